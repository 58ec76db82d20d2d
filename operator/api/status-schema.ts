import { z } from 'zod';

const condition = z
  .strictObject({
    type: z
      .string()
      .max(316)
      .describe('Ready sums up the others. Reconciling and Stalled are there only while they are true.'),
    status: z.enum(['True', 'False', 'Unknown']).describe('Whether it is so.'),
    reason: z.string().max(1024).describe('Why, as one word for programs.'),
    message: z
      .string()
      .max(32_768)
      .describe('Why, in words for people, with the remedy where one is needed.'),
    lastTransitionTime: z.iso.datetime().describe('When the status last became what it is.'),
    observedGeneration: z.int().describe('The metadata.generation that this was concluded from.'),
  })
  .describe('One aspect of how the policy is doing.');

const inventoryEntry = z
  .strictObject({
    kind: z.string().max(63).describe('Kind of the object.'),
    namespace: z.string().max(63).optional().describe('Namespace of the object.'),
    name: z.string().max(1024).describe('Name of the object.'),
    uid: z.string().max(128).describe('Uid of the object.'),
  })
  .describe('An object that the policy has made.');

const role = z
  .strictObject({
    name: z.string().max(63).describe('Name of the role.'),
    serviceAccount: z.string().max(253).describe('ServiceAccount that its users act as.'),
    precedence: z.int().describe('Precedence of its rule; Argo tries the highest first.'),
    missingGroups: z
      .array(z.string().max(1024).describe('A group.'))
      .max(64)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('Groups of the role that Keycloak does not have; nobody gets in by them.'),
  })
  .describe('A role as it stands.');

const client = z
  .strictObject({
    id: z.string().max(255).describe("Keycloak's own id of the client."),
    clientId: z.string().max(255).describe('clientId of the client.'),
    realm: z.string().max(255).describe('Realm of the client.'),
    adopted: z.boolean().describe('Whether the client was there before the policy and was taken over.'),
  })
  .describe('The client in Keycloak.');

const secret = z
  .strictObject({
    name: z.string().max(253).describe('Name of the Secret.'),
    revision: z.int().describe("How many values of the client's secret the Secret has held."),
    provedRevision: z
      .int()
      .optional()
      .describe("The revision last proved at Keycloak's token endpoint: these credentials work."),
    rolledRevision: z
      .int()
      .optional()
      .describe(
        'The revision that Argo Server has read at its start; only with spec.server.deployment. During a restart still ' +
          'the former one.',
      ),
    lastRotated: z.iso.datetime().optional().describe('When the Secret got the value that it has.'),
    cause: z
      .enum(['Schedule', 'Expiry', 'Request', 'ByHand'])
      .optional()
      .describe(
        'Why it got another value then. Schedule: it was due. Expiry: Keycloak would have ended the former secret. ' +
          'Request: somebody asked for it by the annotation. ByHand: it was found in Keycloak, made there by hand or at a ' +
          'request of the operator whose answer was lost.',
      ),
    nextRotation: z.iso
      .datetime()
      .optional()
      .describe("When the next rotation is due, by the schedule or before the secret's end in Keycloak."),
    overlapUntil: z.iso
      .datetime()
      .optional()
      .describe('Until when the old secret is valid beside the new one; only during a rotation.'),
  })
  .describe("The Secret with the client's credentials.");

const summary = z
  .strictObject({
    roles: z.string().max(63).optional().describe('Roles that stand, of all: 3/3.'),
    realm: z.string().max(255).optional().describe('Realm in use, also where the spec leaves it out.'),
  })
  .describe('For the columns of kubectl get.');

/** The status of an ArgoAccessPolicy. Never holds a secret or a digest of one. */
export const statusSchema = z
  .strictObject({
    observedGeneration: z.int().optional().describe('The metadata.generation that this status is about.'),
    conditions: z
      .array(condition)
      .max(32)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
      .describe(
        'How the policy is doing: Ready, and ClientReady, SecretReady, ServerReady, RolesReady for its parts.',
      ),
    issuer: z
      .string()
      .max(2048)
      .optional()
      .describe("Issuer of the realm's tokens, as Argo Server's sso.issuer must have it."),
    client: client.optional(),
    secret: secret.optional(),
    roles: z
      .array(role)
      .max(64)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('The roles in order.'),
    summary: summary.optional(),
    inventory: z
      .array(inventoryEntry)
      .max(5000)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('Where to look for what the policy has made. It proves nothing about who owns it.'),
  })
  .describe('What the operator has found and done. Written by the operator only.');

/** Status as written by the operator. */
export type PolicyStatus = z.output<typeof statusSchema>;
/** Why the client's Secret got another value. */
export type RotationCause = NonNullable<NonNullable<PolicyStatus['secret']>['cause']>;
/** One condition in kstatus form. */
export type Condition = z.output<typeof condition>;
/** Where to look for an object that a policy has made; proves nothing about who owns it. */
export type InventoryEntry = z.output<typeof inventoryEntry>;
