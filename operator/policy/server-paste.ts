import type { ConfigMap } from '../api/objects.ts';
import { type KeyReference, renderSso, type SsoBlock } from './server-sso.ts';
import { toYaml } from './server-yaml.ts';

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}

/** The block as it is to stand below `data` in a ConfigMap with one key for each section. */
export function pasteBlock(block: SsoBlock): string {
  return `sso: |\n${indented(renderSso(block))}`;
}

/** The block as it is to stand in the text under the key `config`. */
export function pasteIntoConfig(block: SsoBlock): string {
  return `sso:\n${indented(renderSso(block))}`;
}

function reference({ name, key }: KeyReference = {}): Omit<KeyReference, 'optional'> {
  return { ...(name !== undefined && { name }), ...(key !== undefined && { key }) };
}

/** The same as values of the chart argo-workflows (argo-helm, charts/argo-workflows/values.yaml), which has no `rootCA`. */
export function helmValues({
  rootCA,
  insecureSkipVerify,
  clientId,
  clientSecret,
  ...rest
}: SsoBlock): string {
  const sso = {
    enabled: true,
    issuer: rest.issuer,
    clientId: reference(clientId),
    clientSecret: reference(clientSecret),
    redirectUrl: rest.redirectUrl,
    rbac: rest.rbac,
    scopes: rest.scopes,
    issuerAlias: rest.issuerAlias,
    sessionExpiry: rest.sessionExpiry,
    customGroupClaimName: rest.customGroupClaimName,
    userInfoPath: rest.userInfoPath,
    filterGroupsRegex: rest.filterGroupsRegex,
  };
  return toYaml({ server: { sso } });
}

/** Whether argo-helm's chart made the ConfigMap, so that what is changed by hand is gone at its next upgrade. */
export function isMadeByHelm({ metadata: { labels } }: ConfigMap): boolean {
  return (
    labels?.['helm.sh/chart']?.startsWith('argo-workflows') === true ||
    labels?.['app.kubernetes.io/managed-by'] === 'Helm'
  );
}
