import type { Policy } from '../api/objects.ts';
import { redirectUri } from './client.ts';
import { type ArgoVersion, knowsRootCA } from './server-version.ts';
import { toYaml } from './server-yaml.ts';

/** A key of a Secret, as Argo names it; what is not said is undefined. */
export interface KeyReference {
  readonly name?: string;
  readonly key?: string;
  readonly optional?: boolean;
}

/** The block `sso` of Argo's settings as it may stand there (argo-workflows, config/sso.go). */
export interface SsoBlock {
  readonly issuer?: string;
  readonly issuerAlias?: string;
  readonly clientId?: KeyReference;
  readonly clientSecret?: KeyReference;
  readonly redirectUrl?: string;
  readonly rbac?: { readonly enabled?: boolean };
  readonly scopes?: readonly string[];
  /** A duration as in Go. */
  readonly sessionExpiry?: string;
  readonly customGroupClaimName?: string;
  readonly userInfoPath?: string;
  readonly insecureSkipVerify?: boolean;
  readonly filterGroupsRegex?: readonly string[];
  /** Certificates in PEM; only Argo 4.0 and later know it. */
  readonly rootCA?: string;
}

/** Everything that the block can hold, in the order in which it is written. */
export const SSO_FIELDS = [
  'issuer',
  'issuerAlias',
  'clientId',
  'clientSecret',
  'redirectUrl',
  'rbac',
  'scopes',
  'sessionExpiry',
  'customGroupClaimName',
  'userInfoPath',
  'insecureSkipVerify',
  'filterGroupsRegex',
  'rootCA',
] as const satisfies readonly (keyof SsoBlock)[];

/** The block as a policy wants it; it never says `insecureSkipVerify`. */
export interface SsoSettings extends Omit<SsoBlock, 'insecureSkipVerify'> {
  readonly issuer: string;
  readonly clientId: Required<Pick<KeyReference, 'name' | 'key'>>;
  readonly clientSecret: Required<Pick<KeyReference, 'name' | 'key'>>;
  readonly redirectUrl: string;
  readonly rbac: { readonly enabled: true };
  readonly scopes: readonly string[];
}

/** The claim that Argo reads without being told. */
export const DEFAULT_CLAIM = 'groups';

/** PEM with the line ends that YAML leaves, and one at its end. */
function tidyPem(pem: string): string {
  return `${pem.replace(/\r\n?/g, '\n').trim()}\n`;
}

/**
 * Argo's settings for single sign-on as the policy wants them; undefined where it has no client or names no ConfigMap.
 * No scope: the mapper on the client needs none, and a scope that the client lacks ends every login.
 *
 * @param version Argo Server's; `rootCA` stops one that does not know it, and is left out where the version is unknown
 */
export function desiredSso(
  { spec }: Policy,
  issuer: string,
  version: ArgoVersion | undefined,
): SsoSettings | undefined {
  const { client, server } = spec;
  if (client === undefined || server?.configMap === undefined) return undefined;
  const { name, clientIdKey, clientSecretKey } = client.secret;
  const { claim } = spec.keycloak.groups;
  const { sessionExpiry, filterGroupsRegex, rootCA } = server;
  return {
    issuer,
    clientId: { name, key: clientIdKey },
    clientSecret: { name, key: clientSecretKey },
    redirectUrl: redirectUri(client.url),
    rbac: { enabled: true },
    scopes: [],
    ...(sessionExpiry !== undefined && { sessionExpiry }),
    ...(claim !== DEFAULT_CLAIM && { customGroupClaimName: claim }),
    ...(filterGroupsRegex.length > 0 && { filterGroupsRegex }),
    ...(rootCA !== undefined && knowsRootCA(version) && { rootCA: tidyPem(rootCA) }),
  };
}

/** The block as text for the key `sso` of the ConfigMap. */
export function renderSso(block: SsoBlock): string {
  return toYaml(Object.fromEntries(SSO_FIELDS.map(field => [field, block[field]])));
}
