import { z } from 'zod';
import { MAX_POLICY_NAME, policySchema } from './policy-schema.ts';
import { celRulesOf, RULES } from './rules.ts';
import { GROUP, KIND, PLURAL, specSchema, VERSION } from './schema.ts';
import { statusSchema } from './status-schema.ts';

/** A structural schema, as far as this project uses them. */
export interface OpenApiSchema {
  readonly type: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, OpenApiSchema>>;
  readonly items?: OpenApiSchema;
  readonly additionalProperties?: OpenApiSchema;
  readonly [RULES]?: readonly { readonly message: string; readonly fieldPath?: string }[];
}

/**
 * The structural schema of a zod schema. Unknown fields are not forbidden, which structural schemas cannot do:
 * the API server prunes them, or refuses them where a client asks for strict validation, as kubectl does.
 */
function openApi(schema: z.ZodType): OpenApiSchema {
  const json = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: 'input',
    override({ jsonSchema }) {
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
      if (jsonSchema.type === 'integer') {
        jsonSchema.format = 'int64';
        if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
        if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      }
    },
  });
  return json as unknown as OpenApiSchema;
}

/** The schemas of spec and status. */
export const SCHEMAS = { spec: openApi(specSchema), status: openApi(statusSchema) } as const;

const READY = '.status.conditions[?(@.type=="Ready")]';

const COLUMNS = [
  { name: 'Ready', type: 'string', jsonPath: `${READY}.status`, description: 'Whether all is as wanted.' },
  { name: 'Reason', type: 'string', jsonPath: `${READY}.reason`, description: 'Why it is so, in one word.' },
  {
    name: 'Client',
    type: 'string',
    jsonPath: '.spec.client.clientId',
    description: 'The client in Keycloak.',
  },
  {
    name: 'Roles',
    type: 'string',
    jsonPath: '.status.summary.roles',
    description: 'Roles that stand, of all.',
  },
  {
    name: 'Rotated',
    type: 'date',
    jsonPath: '.status.secret.lastRotated',
    description: "Since when the client's secret is what it is.",
  },
  {
    // A date column shows times to come as invalid.
    name: 'Next-Rotation',
    type: 'string',
    jsonPath: '.status.secret.nextRotation',
    description: "When the client's secret is rotated next.",
  },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  {
    name: 'Realm',
    type: 'string',
    priority: 1,
    jsonPath: '.status.summary.realm',
    description: 'The realm in use.',
  },
  {
    name: 'Message',
    type: 'string',
    priority: 1,
    jsonPath: `${READY}.message`,
    description: 'Why it is so, or what to do.',
  },
];

const NAME = { type: 'string', maxLength: MAX_POLICY_NAME };

/** The CustomResourceDefinition of the contract. */
export function crdManifest() {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${PLURAL}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: {
        kind: KIND,
        listKind: `${KIND}List`,
        plural: PLURAL,
        singular: KIND.toLowerCase(),
        shortNames: ['aap'],
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: COLUMNS,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description:
                'Who gets into Argo Workflows through Keycloak, and as what: the Keycloak client of an Argo Server, ' +
                'and the roles that map groups to ServiceAccounts.',
              required: ['spec'],
              properties: {
                // All of these, or rules that use the name could not be estimated before Kubernetes 1.37.
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object', properties: { name: NAME, generateName: NAME } },
                ...SCHEMAS,
              },
              [RULES]: celRulesOf(policySchema),
            },
          },
        },
      ],
    },
  };
}
