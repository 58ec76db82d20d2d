import { z } from 'zod';

/** API group of the contract. */
export const GROUP = 'argo-access.io';
/** Version of the contract served by this operator. */
export const VERSION = 'v1alpha1';
/** Kind of the contract. */
export const KIND = 'ArgoAccessPolicy';
/** Plural resource name of the contract, as in API paths. */
export const PLURAL = 'argoaccesspolicies';

const dnsLabel = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
const dnsSubdomain = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
const rbacName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[^/%]+$/);
const secretKey = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[-._a-zA-Z0-9]+$/);
const url = z
  .string()
  .max(1024)
  .regex(/^https?:\/\/[^\s?#]+$/);

const groups = z.strictObject({
  source: z.enum(['Groups', 'ClientRoles']).default('Groups'),
  claim: z.string().min(1).max(128).default('groups'),
  fullPath: z.boolean().default(true),
});

const keycloak = z.strictObject({
  connection: dnsLabel.default('default'),
  realm: z.string().min(1).max(255).optional(),
  groups: groups.prefault({}),
});

const clientSecret = z.strictObject({
  name: dnsSubdomain(253),
  clientIdKey: secretKey.default('client-id'),
  clientSecretKey: secretKey.default('client-secret'),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
});

const client = z.strictObject({
  clientId: z.string().min(1).max(255),
  url,
  additionalUrls: z.array(url).max(16).default([]),
  adopt: z.boolean().default(false),
  secret: clientSecret,
});

const grant = z.strictObject({
  clusterRole: rbacName.optional(),
  role: rbacName.optional(),
  namespaces: z.array(dnsLabel).min(1).max(64).optional(),
});

const role = z.strictObject({
  name: dnsLabel,
  serviceAccount: dnsSubdomain(231).optional(),
  groups: z.array(z.string().min(1).max(255)).min(1).max(64).optional(),
  everyone: z.literal(true).optional(),
  grants: z.array(grant).max(32).default([]),
});

/** The spec of an ArgoAccessPolicy: the single source of types, defaults, CRD and reference. */
export const specSchema = z.strictObject({
  keycloak: keycloak.prefault({}),
  client: client.optional(),
  precedence: z.int().min(0).max(1_000_000_000).optional(),
  roles: z.array(role).min(1).max(64),
  deletionPolicy: z.enum(['Delete', 'Retain']).optional(),
  suspend: z.boolean().default(false),
});

/** Spec with its defaults filled in, as the API server stores it. */
export type PolicySpec = z.output<typeof specSchema>;
/** `spec.client` with its defaults. */
export type ClientSpec = NonNullable<PolicySpec['client']>;
/** One entry of `spec.roles` with its defaults. */
export type RoleSpec = PolicySpec['roles'][number];
/** One entry of `spec.roles[].grants`. */
export type GrantSpec = RoleSpec['grants'][number];

const condition = z.strictObject({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string(),
  message: z.string(),
  lastTransitionTime: z.iso.datetime(),
  observedGeneration: z.int(),
});

const inventoryEntry = z.strictObject({
  kind: z.string(),
  namespace: z.string().optional(),
  name: z.string(),
  uid: z.string(),
});

/** The status of an ArgoAccessPolicy. Never holds a secret or a digest of one. */
export const statusSchema = z.strictObject({
  observedGeneration: z.int().optional(),
  conditions: z.array(condition).optional(),
  issuer: z.string().optional(),
  client: z
    .strictObject({ id: z.string(), clientId: z.string(), realm: z.string(), adopted: z.boolean() })
    .optional(),
  secret: z
    .strictObject({ name: z.string(), revision: z.int(), provedRevision: z.int().optional() })
    .optional(),
  roles: z
    .array(
      z.strictObject({
        name: z.string(),
        serviceAccount: z.string(),
        precedence: z.int(),
        missingGroups: z.array(z.string()).optional(),
      }),
    )
    .optional(),
  summary: z.strictObject({ roles: z.string().optional(), realm: z.string().optional() }).optional(),
  inventory: z.array(inventoryEntry).optional(),
});

/** Status as written by the operator. */
export type PolicyStatus = z.output<typeof statusSchema>;
/** One condition in kstatus form. */
export type Condition = z.output<typeof condition>;
/** Where to look for an object that a policy has made; proves nothing about who owns it. */
export type InventoryEntry = z.output<typeof inventoryEntry>;
