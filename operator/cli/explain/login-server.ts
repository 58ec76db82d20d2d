import type { Container, Policy } from '../../api/objects.ts';
import type { RawObject } from '../../kubernetes/decode.ts';
import { decodeConfigMap, decodeDeployment } from '../../kubernetes/decode-server.ts';
import { SHARED } from '../../kubernetes/paths.ts';
import { DEFAULT_EXPIRY, expiryMs } from '../../policy/server-compare.ts';
import { DEFAULT_CONFIG_MAP, serverContainer, serverFlags } from '../../policy/server-container.ts';
import { blockOf, readSettings } from '../../policy/server-read.ts';
import { DEFAULT_CLAIM, type SsoBlock } from '../../policy/server-sso.ts';
import { versionOfImage } from '../../policy/server-version.ts';
import { type Note, orNote } from '../access/notes.ts';
import type { Cluster } from '../live/cluster.ts';

/** What Argo Server is told, as far as it decides who somebody is to it. */
export interface LoginServer {
  /** Where it looks for the account of a login. */
  readonly accountNamespace: string;
  /** Whether it also looks in the namespace of what is asked for; undefined where that cannot be seen. */
  readonly delegates: boolean | undefined;
  /** Claim with the groups. */
  readonly groupsClaim: string;
  /** Expressions of which a group has to match one; of none, every group stays. */
  readonly groupFilters: readonly string[];
  /** How long a session lasts, in milliseconds. */
  readonly sessionMs: number;
}

const ARGO_SERVER = 'argo-server';

async function containerOf(
  cluster: Cluster,
  login: Policy | undefined,
  note: Note,
): Promise<Container | undefined> {
  const name = login?.spec.server?.deployment ?? ARGO_SERVER;
  const what = 'how Argo Server is started: where it looks for accounts, and which settings it reads';
  const raw = await orNote(note, what, cluster.get<object>(SHARED.Deployment, cluster.namespace, name));
  return raw && serverContainer(decodeDeployment(raw));
}

async function settingsOf(
  cluster: Cluster,
  login: Policy | undefined,
  container: Container | undefined,
  note: Note,
): Promise<SsoBlock | undefined> {
  const read = container === undefined ? DEFAULT_CONFIG_MAP : serverFlags(container).configMap;
  const name = read ?? login?.spec.server?.configMap?.name ?? DEFAULT_CONFIG_MAP;
  const what = "Argo's settings: which claim has the groups, and which groups are dropped";
  const raw = await orNote(note, what, cluster.get<RawObject>(SHARED.ConfigMap, cluster.namespace, name));
  return raw && blockOf(readSettings(decodeConfigMap(raw), container && versionOfImage(container.image)));
}

/** Without the settings, they are taken to be as the policy wants them. */
function blockOfPolicy({ spec }: Policy): SsoBlock {
  const { filterGroupsRegex, sessionExpiry } = spec.server ?? {};
  return {
    customGroupClaimName: spec.keycloak.groups.claim,
    ...(filterGroupsRegex !== undefined && { filterGroupsRegex }),
    ...(sessionExpiry !== undefined && { sessionExpiry }),
  };
}

/**
 * Reads what Argo Server is told: by its settings as they are, whoever wrote them, and where there are none, or they may
 * not be seen, by the policy.
 *
 * @param login the policy by which people sign in
 */
export async function readLoginServer(
  cluster: Cluster,
  login: Policy | undefined,
  note: Note,
): Promise<LoginServer> {
  const container = await containerOf(cluster, login, note);
  const flags = container && serverFlags(container);
  const found = await settingsOf(cluster, login, container, note);
  const block = found ?? (login === undefined ? {} : blockOfPolicy(login));
  return {
    accountNamespace: flags?.managedNamespace ?? cluster.namespace,
    delegates: flags?.delegates,
    groupsClaim: block.customGroupClaimName || DEFAULT_CLAIM,
    groupFilters: block.filterGroupsRegex ?? [],
    sessionMs: expiryMs(block.sessionExpiry) ?? DEFAULT_EXPIRY,
  };
}
