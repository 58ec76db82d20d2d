import { z } from 'zod';
import { parseDuration } from '../api/duration.ts';
import { parseUrlGlob } from '../policy/allow.ts';

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const MIN_RESYNC_MS = 1_000;
const MAX_RESYNC_MS = 24 * 3_600_000;

/** Fields that exist with none of these names, and what is to be written instead. */
const INSTEAD: Readonly<Record<string, string>> = {
  clientSecret:
    'a secret never stands here; name its file by clientSecretFile, or its variable by clientSecretEnv',
  issuer: "unknown field; give Keycloak's base address as url and the realm as realm",
  fullPath: 'unknown field; shortGroupNames: true lets policies of this namespace write fullPath: false',
};

/** What is wrong with a field that the schema does not know. */
export function unknownField(name: string, otherwise: string): string {
  return INSTEAD[name] ?? otherwise;
}

/** A mapping of exactly these fields. */
function section<T extends z.ZodRawShape>(shape: T, example: string) {
  const known = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: ({ code }) =>
      code === 'unrecognized_keys'
        ? `unknown field; the fields here are ${known}`
        : `must have fields of its own, such as { ${example} }`,
  });
}

/** A text; `what` completes the sentence "it is …". */
function text(what: string, max = 255) {
  return z
    .string({
      error: ({ input }) => {
        if (input === undefined) return `is missing; it is ${what}`;
        if (input === null) return `is empty; it is ${what}`;
        const remedy = typeof input === 'object' ? '' : `; put a ${typeof input} in quotes`;
        return `must be text, ${what}${remedy}`;
      },
    })
    .min(1, { error: `is empty; it is ${what}`, abort: true })
    .max(max, { error: `is longer than ${max} characters; it is ${what}`, abort: true });
}

function list<T extends z.ZodType>(item: T) {
  return z.array(item, { error: 'must be a list: one entry a line, each after a dash, or [] for none' });
}

function flag() {
  return z.boolean({ error: 'must be true or false, without quotes' }).default(false);
}

function label(what: string) {
  return text(what, 63).regex(DNS_LABEL, {
    error: 'must be lower-case letters, digits and dashes, with a letter or digit at both ends',
  });
}

const namespaceName = text('the name of a namespace', 63).regex(DNS_LABEL, {
  error: 'is not the name of a namespace; each namespace is written out, there are no patterns here',
});

const exactName = (what: string) =>
  text(what, 253).regex(/^[^*/%]+$/, {
    error: `must be ${what}, written out; there are no patterns here, and no / or %`,
  });

const glob = (what: string) =>
  text(what).refine(value => !value.includes('**'), {
    error:
      'has ** in it; one * stands for all but a slash, so write an entry for each depth, such as /a/* and /a/*/*',
  });

const urlGlob = glob('the URL of an Argo Server, in which * may stand for a part').refine(
  value => value.includes('**') || parseUrlGlob(value) !== undefined,
  {
    error:
      'is not a URL like https://*.example.com/argo: scheme http or https, host, port and path; ' +
      'no pattern for the scheme or the port, no user, query or fragment',
  },
);

function whyNoBaseUrl(value: string): string | undefined {
  const url = URL.parse(value);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return "must be Keycloak's base address, such as https://keycloak.example.com";
  }
  if (url.username !== '' || url.password !== '') {
    return 'must not contain a user or password; the operator signs in with clientId and its secret';
  }
  if (/\/(realms|admin)(\/|$)/.test(url.pathname)) {
    return "must be Keycloak's base address: leave out /realms/… or /admin/…, and give the realm as realm";
  }
  return url.search === '' && url.hash === '' ? undefined : 'must have no query and no fragment';
}

const baseUrl = text("Keycloak's base address", 1024)
  .superRefine((value, context) => {
    const message = whyNoBaseUrl(value);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  })
  .transform(value => value.replace(/\/+$/, ''));

const realm = (what: string) =>
  text(what).regex(/^[^*/]+$/, { error: `must be ${what}, written out: no address, and no pattern` });

const resyncPeriod = text('how often Keycloak is compared, such as 5m')
  .default('5m')
  .transform((value, context) => {
    const period = parseDuration(value);
    if (period !== undefined && period >= MIN_RESYNC_MS && period <= MAX_RESYNC_MS) return period;
    context.addIssue({
      code: 'custom',
      message: 'must be a duration from 1s to 24h, such as 90s, 5m or 1h30m',
    });
    return z.NEVER;
  });

const connection = section(
  {
    name: label('the name by which policies choose the connection'),
    url: baseUrl,
    realm: realm('the realm of policies that name none'),
    signInRealm: realm("the realm in which the operator's own client is").optional(),
    clientId: text("the clientId of the operator's own client in Keycloak"),
    clientSecretFile: text('the path of the file that holds the secret of clientId', 4096).optional(),
    clientSecretEnv: text('the name of the environment variable that holds the secret of clientId')
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, {
        error: 'must be the name of an environment variable; neither its value nor a $ before it',
      })
      .optional(),
    caFile: text(
      'the path of a file with certificates (PEM) to trust besides the well-known ones',
      4096,
    ).optional(),
    resyncPeriod,
  },
  'name: default, url: https://keycloak.example.com, realm: platform, …',
).superRefine(({ clientSecretFile, clientSecretEnv }, context) => {
  if ((clientSecretFile === undefined) !== (clientSecretEnv === undefined)) return;
  const wrong =
    clientSecretFile === undefined ? 'has no secret for clientId' : 'has two secrets for clientId';
  context.addIssue({ code: 'custom', message: `${wrong}; give either clientSecretFile or clientSecretEnv` });
});

const grant = (what: string) =>
  section(
    {
      name: exactName(`the name of a ${what}`),
      namespaces: z
        .array(namespaceName, { error: `must be the list of namespaces in which the ${what} may be granted` })
        .min(1, { error: `is empty; name the namespaces in which the ${what} may be granted` }),
    },
    'name: argo-access-viewer, namespaces: [team-a]',
  );

const namespace = section(
  {
    name: namespaceName,
    connections: list(
      section(
        {
          name: label('the name of a connection'),
          realms: list(realm('the name of a realm'))
            .min(1, {
              error: "is empty; name the realms, or leave it out for the connection's own realm",
            })
            .optional(),
        },
        'name: default',
      ),
    ).default([]),
    clientIds: list(glob('a clientId, in which * may stand for a part')).default([]),
    urls: list(urlGlob).default([]),
    groups: list(glob("a group's path, in which * may stand for a part")).default([]),
    clusterRoles: list(grant('ClusterRole')).default([]),
    roles: list(grant('Role')).default([]),
    configMaps: list(exactName("the name of a ConfigMap with Argo's settings")).default([]),
    deployments: list(exactName("the name of an Argo Server's Deployment")).default([]),
    adopt: flag(),
    everyone: flag(),
    when: flag(),
    shortGroupNames: flag(),
  },
  'name: argo, connections: [{ name: default }], …',
);

interface Named {
  readonly name: string;
}

type Report = (path: readonly (string | number)[], message: string) => void;

function reportTwins(entries: readonly Named[], path: readonly (string | number)[], report: Report): void {
  entries.forEach(({ name }, index) => {
    const first = entries.findIndex(entry => entry.name === name);
    if (first < index) report([...path, index, 'name'], 'is there twice; make one entry of the two');
  });
}

/** The operator's configuration as written, with what it says of itself checked: names, references. */
export const configSchema = section(
  {
    instanceId: label('a name of this operator that no other operator at the same Keycloak has'),
    formerClusters: list(
      text('the uid of a cluster').regex(UUID, {
        error:
          "is not a cluster's uid; that is the uid of its namespace kube-system: " +
          'kubectl get namespace kube-system -o jsonpath={.metadata.uid}',
      }),
    ).default([]),
    connections: list(connection).default([]),
    namespaces: list(namespace).default([]),
  },
  'instanceId: production',
).superRefine(({ connections, namespaces }, context) => {
  const report: Report = (path, message) => context.addIssue({ code: 'custom', path: [...path], message });
  const names = connections.map(({ name }) => name);
  const known = names.length === 0 ? 'there are none' : `there are ${names.join(', ')}`;
  reportTwins(connections, ['connections'], report);
  reportTwins(namespaces, ['namespaces'], report);
  namespaces.forEach((entry, index) => {
    const path = ['namespaces', index];
    for (const key of ['connections', 'clusterRoles', 'roles'] as const) {
      reportTwins(entry[key], [...path, key], report);
    }
    entry.connections.forEach(({ name }, at) => {
      if (names.includes(name)) return;
      report([...path, 'connections', at, 'name'], `is none of the connections above; ${known}`);
    });
  });
});

/** The configuration as the schema gives it. */
export type WrittenConfig = z.output<typeof configSchema>;
