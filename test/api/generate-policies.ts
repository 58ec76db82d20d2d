import fc from 'fast-check';
import { policyObject } from './api-server.ts';
import { isObject, type Json, type JsonObject, mutation } from './mutate.ts';

type Hit = (value: Json) => Json;

const label = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', 'b', 'c') },
  { weight: 6, arbitrary: fc.stringMatching(/^[a-z0-9](?:[-a-z0-9]{0,8}[a-z0-9])?$/) },
  { weight: 1, arbitrary: fc.constantFrom('a'.repeat(63), `a${'-'.repeat(61)}z`) },
);
const subdomain = fc.oneof(label, fc.constantFrom('a.b-c', 'p-a', 'p-b', `${'s'.repeat(229)}.9`));
const word = fc.oneof(
  { weight: 8, arbitrary: label },
  {
    weight: 2,
    arbitrary: fc.constantFrom('Büro', '管理', 'a b', "o'neil", '"x"', '🚀', '{a}', '~', '.', '%2f', 'a\\b'),
  },
  { weight: 1, arbitrary: fc.constantFrom('x'.repeat(255), '🚀'.repeat(127), 'ü'.repeat(254)) },
);
const path = fc.array(word, { minLength: 1, maxLength: 2 }).map(words => `/${words.join('/')}`);
const url = fc.constantFrom(
  'https://workflows.example.com',
  'https://workflows.example.com/',
  'http://localhost:2746/argo',
  'https://10.0.0.1:65535/a/b_c/~d/',
  'https://xn--mller-kva.example',
  `https://a.example/${'p'.repeat(221)}`,
);
const labelKey = fc.constantFrom(
  ...['team', 'example.com/team', 'A_b.c-d', 'x.argo-access.io/a', 'argo-access.io/a'],
  `${['a', 'b', 'c'].map(letter => letter.repeat(63)).join('.')}.${'d'.repeat(61)}/${'n'.repeat(63)}`,
);
const labelValue = fc.constantFrom('', 'platform', 'A_b.c-d', 'v'.repeat(63));
const annotation = fc.constantFrom('', 'a\nb', '🚀'.repeat(1024));
const secretKey = fc.constantFrom('id', '.id', 'A_b.c-d', 'k'.repeat(253));
const rbacName = fc.constantFrom('admin', 'system:auth-delegator', 'view er', '...', 'Ü', 'r'.repeat(253));

const objectName = fc.oneof(subdomain, fc.constant('n'.repeat(253)));
const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

function optional<T>(arbitrary: fc.Arbitrary<T>) {
  return fc.option(arbitrary, { nil: undefined, freq: 2 });
}

const grant = fc
  .record({
    ref: fc.oneof(
      rbacName.map(clusterRole => ({ clusterRole })),
      rbacName.map(role => ({ role })),
    ),
    namespaces: optional(fc.uniqueArray(label, { minLength: 1, maxLength: 3 })),
  })
  .map(({ ref, namespaces }) => ({ ...ref, namespaces }));

const expression = fc.constantFrom(
  ...[
    'true',
    '($env?.email ?? "") endsWith "@example.com"',
    'sub ==\n\t"1" // one\n',
    'not a rule',
    ' ',
    '\u00a0',
  ],
  ...['🚀'.repeat(2048), 'sub == "\\u200d"', 'sub == "\u200d"', 'true\r\n', '\u0085', 'true\u202e', '\u2028'],
);

function role(group: fc.Arbitrary<string>) {
  const groups = fc.uniqueArray(group, { minLength: 1, maxLength: 4 }).map(list => ({ groups: list }));
  return fc
    .record({
      name: label,
      serviceAccount: optional(subdomain),
      who: fc.oneof(
        { weight: 4, arbitrary: groups },
        { weight: 1, arbitrary: fc.constant({ everyone: true }) },
        { weight: 1, arbitrary: expression.map(when => ({ when })) },
      ),
      grants: optional(fc.array(grant, { maxLength: 3 })),
    })
    .map(({ who, ...rest }) => ({ ...rest, ...who }));
}

/** A duration, one of those given or of common ones. */
function duration(...edges: readonly string[]) {
  return fc.constantFrom('1h', '90s', '5m', '1h30m', '10h0m00s', '01h', ...edges);
}

const rotation = fc.record({
  schedule: fc.constantFrom('0 3 * * 0', '@daily', 'never', ' ', '🚀'.repeat(128)),
  timeZone: optional(fc.constantFrom('Europe/Berlin', 'UTC', 'Nowhere', 'z'.repeat(64))),
  overlap: optional(duration('0s', '720h', '43200m', '00720h')),
});

const client = fc.record({
  clientId: fc.oneof(word, fc.constantFrom('argo-workflows', 'https://argo.example')),
  url,
  additionalUrls: optional(fc.array(url, { maxLength: 3 })),
  adopt: optional(fc.boolean()),
  secret: fc.record({
    name: subdomain,
    clientIdKey: optional(secretKey),
    clientSecretKey: optional(fc.constantFrom('secret', 's'.repeat(253))),
    labels: optional(fc.dictionary(labelKey, labelValue, { maxKeys: 3 })),
    annotations: optional(fc.dictionary(labelKey, annotation, { maxKeys: 3 })),
    rotation: optional(rotation),
  }),
});

const settings = fc.record({
  configMap: fc.record({
    name: fc.oneof(objectName, fc.constant('workflow-controller-configmap')),
    manage: optional(fc.boolean()),
  }),
  deployment: optional(objectName),
  sessionExpiry: optional(duration('1m', '8760h', '525600m')),
  filterGroupsRegex: optional(
    fc.uniqueArray(fc.constantFrom('^/platform/', 'admins$', '(', '管理', 'x'.repeat(256)), { maxLength: 3 }),
  ),
  rootCA: optional(fc.constantFrom(PEM, `# Büro\r\n${PEM}${PEM}`, PEM.padEnd(16_384, 'ü'))),
  argoVersion: optional(fc.constantFrom('4.1', '3.5', '0.00', '9'.repeat(14).concat('.9'))),
});
const server = fc.oneof(
  { weight: 3, arbitrary: settings },
  {
    weight: 1,
    arbitrary: fc.record({
      deployment: objectName,
      filterGroupsRegex: optional(fc.constant([])),
      argoVersion: optional(fc.constant('4.0')),
    }),
  },
);

const naming = fc.record({
  source: optional(fc.constantFrom('Groups', 'ClientRoles')),
  claim: optional(fc.constantFrom('groups', 'roles', 'https:/x/g', 'c'.repeat(128))),
  fullPath: optional(fc.boolean()),
});

const spec = naming.chain(groups => {
  const paths = groups.source !== 'ClientRoles' && groups.fullPath !== false;
  const keycloak = fc.record({
    connection: optional(fc.constantFrom('default', 'other')),
    realm: optional(fc.constantFrom('platform', 'My Realm', 'Büro', 'r'.repeat(237))),
    groups: fc.constant(groups),
  });
  const withClient = fc.record({ client, server: optional(server) });
  const rest = fc.record({
    keycloak,
    precedence: optional(fc.oneof(fc.constantFrom(40, 1_000_000_000), fc.integer({ min: 40, max: 5000 }))),
    roles: fc.uniqueArray(role(paths ? path : word), {
      minLength: 1,
      maxLength: 4,
      selector: ({ name }) => name,
    }),
    deletionPolicy: optional(fc.constantFrom('Delete', 'Retain')),
    suspend: optional(fc.boolean()),
  });
  return fc.record({ parts: optional(withClient), rest }).map(given => ({ ...given.rest, ...given.parts }));
});

/** Up to three hits with a hammer, none of them in every third case. */
const hits = fc.oneof(
  fc.constant<Hit[]>([]),
  fc.array(mutation, { minLength: 1, maxLength: 1 }),
  fc.array(mutation, { minLength: 2, maxLength: 3 }),
);

/** Drops what is undefined, as writing JSON does. */
function asJson(value: unknown): JsonObject {
  return JSON.parse(JSON.stringify(value));
}

/** A policy that is valid more often than not. */
export const likelyValid: fc.Arbitrary<JsonObject> = fc
  .record({ name: fc.oneof(label, fc.constantFrom('p', 'a.b')), content: spec })
  .map(({ name, content }) => asJson(policyObject(name, content)));

/** A policy, valid or broken in name or spec. */
export const anyPolicy: fc.Arbitrary<JsonObject> = fc.record({ policy: likelyValid, hits }).map(given => {
  const { metadata, spec: content } = given.policy;
  const before = { name: isObject(metadata) ? (metadata.name ?? null) : null, spec: content ?? null };
  const after = given.hits.reduce<JsonObject>((value, hit) => {
    const hurt = hit(value);
    return isObject(hurt) ? hurt : value;
  }, before);
  // Without a name there is nothing to be judged: the API server refuses it before it looks at the schema.
  const name = typeof after.name === 'string' ? after.name : before.name;
  return asJson({ ...given.policy, metadata: { name }, spec: after.spec });
});

/** A new version of a policy: its own spec damaged, or another's with none, some or all of what cannot change. */
export function anyUpdate(stored: JsonObject): fc.Arbitrary<JsonObject> {
  const kept = fc.record({ own: fc.boolean(), keepClient: fc.boolean(), keepKeycloak: fc.boolean() });
  return fc.record({ other: likelyValid, hits, kept }).map(({ other, hits: list, kept: keep }) => {
    const [mine, theirs] = [stored.spec, other.spec];
    if (!isObject(mine) || !isObject(theirs)) return stored;
    const { client: _, ...bare } = theirs;
    const base: JsonObject = {
      ...(keep.keepClient ? { ...bare, ...(mine.client !== undefined && { client: mine.client }) } : theirs),
      ...(keep.keepKeycloak && { keycloak: mine.keycloak ?? {} }),
    };
    const after = list.reduce<Json>((value, hit) => hit(value), keep.own ? mine : base);
    return asJson({ ...stored, spec: after });
  });
}
