import { z } from 'zod';
import { dnsSubdomain, duration, humanName } from './fields.ts';
import { matching, object, text, uniqueList, withRules } from './rules.ts';

const CERTIFICATE = '-----BEGIN CERTIFICATE-----';
const PRIVATE_KEY = 'PRIVATE KEY-----';

const rootCA = withRules(
  text(1, 16_384),
  {
    holds: pem => pem.includes(CERTIFICATE),
    cel: `self.contains('${CERTIFICATE}')`,
    message: `must hold a certificate in PEM, which begins with ${CERTIFICATE}; write it as a block, after rootCA: |`,
    reason: 'FieldValueForbidden',
  },
  {
    holds: pem => !pem.includes(PRIVATE_KEY),
    cel: `!self.contains('${PRIVATE_KEY}')`,
    message:
      'must not hold a private key, for everybody who can read the ConfigMap would have it; take it out',
    reason: 'FieldValueForbidden',
  },
);

const argoVersion = withRules(
  text(1, 16),
  matching(/^[0-9]+\.[0-9]+$/u, 'must be major and minor version in quotes, such as "4.1"'),
);

const configMap = object({
  name: dnsSubdomain(253).describe(
    "Name of the ConfigMap with Argo's settings, in the policy's namespace. It must exist. Example: " +
      'workflow-controller-configmap.',
  ),
  manage: z
    .boolean()
    .default(true)
    .describe(
      'true: the operator writes its key sso, and nothing else in it. false: it compares only, and says what to write. ' +
        'A ConfigMap with the key config, as argo-helm makes it, is never written.',
    ),
}).describe('The ConfigMap from which Argo Server reads its settings; the operator sees to its key sso.');

/** `spec.server`: what of an Argo Server follows the client. */
export const server = withRules(
  object({
    configMap: configMap.optional(),
    deployment: dnsSubdomain(253)
      .optional()
      .describe(
        "Name of Argo Server's Deployment, in the policy's namespace. It is rolled out when what it reads at its start has " +
          'changed. Leave it out to restart Argo Server yourself. Example: argo-server.',
      ),
    sessionExpiry: duration({ min: '1m', max: '8760h' })
      .optional()
      .describe(
        "How long a login lasts; a change of somebody's groups counts from the next login. Default: Argo's own, 10h. Example: 8h.",
      ),
    filterGroupsRegex: uniqueList(humanName(256), 32)
      .default([])
      .describe(
        'Regular expressions (RE2), up to 32: a login keeps only the groups that one of them matches, anywhere in the name ' +
          'unless it says ^ and $. For users in so many groups that the cookie (4 KB) cannot hold them. Example: ["^/platform/"].',
      ),
    rootCA: rootCA
      .optional()
      .describe(
        'Certificates (PEM) that Argo Server trusts when it speaks to Keycloak. Only for Argo 4.0 and later; an older one does not start with it.',
      ),
    argoVersion: argoVersion
      .optional()
      .describe(
        'Version of Argo Server, where the tag of its Deployment\'s image does not tell, such as latest or a digest. Example: "4.1".',
      ),
  }),
  {
    holds: ({ configMap: settings, deployment }) => settings !== undefined || deployment !== undefined,
    cel: 'has(self.configMap) || has(self.deployment)',
    message:
      'must name configMap, deployment or both, for without them there is nothing to see to; name them, or leave server out',
    reason: 'FieldValueForbidden',
  },
  {
    holds: ({ configMap: settings, sessionExpiry, filterGroupsRegex, rootCA: trusted }) =>
      settings !== undefined ||
      (sessionExpiry === undefined && filterGroupsRegex.length === 0 && trusted === undefined),
    cel: 'has(self.configMap) || !has(self.sessionExpiry) && self.filterGroupsRegex.size() == 0 && !has(self.rootCA)',
    message:
      'must name configMap where sessionExpiry, filterGroupsRegex or rootCA is given, for that is where they belong; name it, or leave them out',
    reason: 'FieldValueForbidden',
  },
).describe(
  'The Argo Server that the client is for: its settings follow the client, and it is restarted after a rotation. Leave ' +
    'it out to leave Argo Server alone. It needs client.',
);
