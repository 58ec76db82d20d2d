import type { ConfigMap, Deployment } from '../api/objects.ts';
import type { Observation } from './observation.ts';
import { remembered } from './remembered.ts';
import { canonicalSso, isVital, settingDifferences } from './server-compare.ts';
import { type ServerFlags, serverContainer, serverFlags } from './server-container.ts';
import { readSettings, type SettingsReading } from './server-read.ts';
import { desiredSso, type SsoBlock, type SsoSettings } from './server-sso.ts';
import { type ArgoVersion, argoVersion } from './server-version.ts';

/** Argo Server's Deployment, where it is known. */
export function serverDeployment({ server }: Observation): Deployment | undefined {
  return server.deployment?.state === 'found' ? server.deployment.object : undefined;
}

/** The ConfigMap with Argo's settings, where it is known. */
export function settingsConfigMap({ server }: Observation): ConfigMap | undefined {
  return server.configMap?.state === 'found' ? server.configMap.object : undefined;
}

/** How Argo Server is started, where that is known. */
export function observedFlags(observation: Observation): ServerFlags | undefined {
  const deployment = serverDeployment(observation);
  const container = deployment && serverContainer(deployment);
  return container && serverFlags(container);
}

/** Argo Server's version, where it is known. */
export function observedVersion(observation: Observation): ArgoVersion | undefined {
  return argoVersion(serverDeployment(observation), observation.policy);
}

/** Argo's settings as they stand, where they are known. */
export const observedSettings = remembered((observation: Observation): SettingsReading | undefined => {
  const configMap = settingsConfigMap(observation);
  return configMap && readSettings(configMap, observedVersion(observation));
});

/** The block `sso` as it stands: empty where there is none, undefined where it is unknown or cannot be read. */
export function observedBlock(observation: Observation): SsoBlock | undefined {
  const reading = observedSettings(observation);
  if (reading === undefined || reading.form === 'mixed') return undefined;
  const { sso } = reading;
  if (sso.state === 'absent') return {};
  return sso.state === 'read' ? sso.block : undefined;
}

/** The block as it should be; undefined where the policy names no ConfigMap, or Keycloak has never told the issuer. */
export function wantedSso(observation: Observation): SsoSettings | undefined {
  const { policy, keycloak } = observation;
  const issuer = keycloak.state === 'Observed' ? keycloak.issuer : policy.status?.issuer;
  return issuer === undefined ? undefined : desiredSso(policy, issuer, observedVersion(observation));
}

/** Whether a new Argo Server would come up with these settings and let people in as the policy says. */
export function settingsServe(observation: Observation): boolean {
  const { policy, server } = observation;
  if (policy.spec.server?.configMap === undefined) return true;
  const reading = observedSettings(observation);
  const want = wantedSso(observation);
  if (want === undefined || reading === undefined || reading.form === 'mixed') return false;
  const { sso } = reading;
  if (sso.state !== 'read' || sso.unknown.length > 0 || server.groupFilter.invalid.length > 0) return false;
  return !settingDifferences(want, sso.block).some(isVital);
}

/** What of its settings Argo Server reads at its start, as text; empty where that is unknown. */
export function settingsText(observation: Observation): string {
  const block = observedBlock(observation);
  return block === undefined ? '' : canonicalSso(block);
}
