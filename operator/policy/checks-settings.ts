import { redirectUri } from './client.ts';
import type { Observation } from './observation.ts';
import type { Violation } from './reasons.ts';
import { Reason } from './reasons.ts';
import { isVital, mergedSso, type SettingDifference, settingDifferences } from './server-compare.ts';
import { helmValues, isMadeByHelm, pasteBlock, pasteIntoConfig } from './server-paste.ts';
import type { SsoReading } from './server-read.ts';
import { isWritable } from './server-settings.ts';
import type { SsoBlock } from './server-sso.ts';
import { unreadServer } from './server-unread.ts';
import { knowsRootCA } from './server-version.ts';
import {
  observedBlock,
  observedSettings,
  observedVersion,
  settingsConfigMap,
  wantedSso,
} from './server-view.ts';

function configMapName({ policy }: Observation): string {
  return `ConfigMap ${policy.metadata.namespace}/${policy.spec.server?.configMap?.name ?? ''}`;
}

/** The ConfigMap with Argo's settings is not there, or cannot be read. */
export function configMapUnseen(observation: Observation): Violation | undefined {
  const { configMap } = observation.server;
  if (configMap === undefined || configMap.state === 'found') return undefined;
  const name = configMapName(observation);
  if (configMap.state === 'missing') {
    return {
      reason: Reason.SettingsMissing,
      message: `spec.server.configMap: ${name} does not exist, and is never made here; install Argo Workflows with it, or correct the name`,
      part: 'server',
      blocks: ['server'],
    };
  }
  return unreadServer(configMap, name);
}

/** What to write, where and how, for whoever sees to the settings; empty where Keycloak has never told the issuer. */
function remedy(observation: Observation): string {
  const want = wantedSso(observation);
  const configMap = settingsConfigMap(observation);
  if (want === undefined || configMap === undefined) return '';
  const block = mergedSso(observedBlock(observation) ?? {}, want);
  if (observedSettings(observation)?.form === 'sections') return `Write under data:\n${pasteBlock(block)}`;
  if (!isMadeByHelm(configMap)) return `Write into the text of the key config:\n${pasteIntoConfig(block)}`;
  const lost =
    block.rootCA === undefined ? '' : '# The chart has no value for rootCA; it cannot be set with it.\n';
  return `Set these values of the chart argo-workflows:\n${lost}${helmValues(block)}`;
}

function settingsBreak({ form, sso }: { form: string; sso: SsoReading }): string | undefined {
  if (sso.state === 'broken') return `cannot be read (${sso.message})`;
  if (sso.state === 'absent' || sso.unknown.length === 0) return undefined;
  const place = form === 'config' ? 'sso in the key config' : 'the key sso';
  return `has in ${place} what Argo does not know: ${sso.unknown.join(', ')}`;
}

/** Argo Server and the workflow controller do not start with settings that they cannot read. */
export function settingsBroken(observation: Observation): Violation | undefined {
  const reading = observedSettings(observation);
  if (reading === undefined || isWritable(observation)) return undefined;
  const why =
    reading.form === 'mixed'
      ? `has the key config beside ${reading.others.join(', ')}`
      : settingsBreak(reading);
  if (why === undefined) return undefined;
  const mend =
    reading.form === 'mixed'
      ? 'move all of it into config, or each section of config into a key of its own'
      : 'mend it; until then the operator writes nothing';
  const message = `${configMapName(observation)} ${why}, and Argo does not start with that; ${mend}`;
  const how = remedy(observation);
  return {
    reason: Reason.SettingsBroken,
    message: how === '' ? message : `${message}. ${how}`,
    part: 'server',
    blocks: ['server'],
  };
}

function describeDifference({ field, want, have }: SettingDifference): string {
  const is = have === undefined ? 'is not set' : `is ${have}`;
  return `sso.${field} ${is} and should ${want === undefined ? 'not be set' : `be ${want}`}`;
}

/** What differs where the operator will not see to it. */
function differences(observation: Observation): readonly SettingDifference[] {
  const want = wantedSso(observation);
  const have = observedBlock(observation);
  if (want === undefined || have === undefined || isWritable(observation)) return [];
  return settingDifferences(want, have);
}

function differing(observation: Observation, reason: Reason, why: string): Violation | undefined {
  const found = differences(observation);
  if (found.length === 0) return undefined;
  const list = found.map(describeDifference).join('; ');
  return {
    reason,
    message: `${configMapName(observation)}: ${list}. ${why} ${remedy(observation)}`,
    part: 'server',
    // The secret's next restart does not wait for a setting that it can do without.
    blocks: found.some(isVital) ? ['server'] : [],
  };
}

/** Settings under the one key `config` are never written: beside it `sso` would stop Argo, and inside it is the chart's. */
export function settingsNotWritable(observation: Observation): Violation | undefined {
  if (observation.policy.spec.server?.configMap?.manage !== true) return undefined;
  const why = 'All settings stand under the one key config, which the operator does not write.';
  return differing(observation, Reason.SettingsNotWritable, why);
}

/** Settings that others see to, by the policy's own word. */
export function settingsDiffer(observation: Observation): Violation | undefined {
  if (observation.policy.spec.server?.configMap?.manage !== false) return undefined;
  const why = 'With spec.server.configMap.manage: false the operator does not write it.';
  return differing(observation, Reason.SettingsDiffer, why);
}

/** The block as it stands and stays until somebody else changes it. */
function standingBlock(observation: Observation): SsoBlock | undefined {
  const reading = observedSettings(observation);
  if (reading === undefined || reading.form === 'mixed' || isWritable(observation)) return undefined;
  return reading.sso.state === 'read' ? reading.sso.block : undefined;
}

/** Without `rbac` Argo Server does everything for everybody with its own rights. */
export function rbacDisabled(observation: Observation): Violation | undefined {
  const block = standingBlock(observation);
  if (block === undefined || block.rbac?.enabled === true) return undefined;
  return {
    reason: Reason.RbacDisabled,
    message:
      `${configMapName(observation)}: sso.rbac.enabled is not true, so everybody who signs in acts with the rights of ` +
      `Argo Server itself, and no role of this policy counts; set it to true`,
    part: 'server',
    blocks: ['server'],
  };
}

/** Keycloak sends nobody back to an address that the client does not have. */
export function redirectMismatch(observation: Observation): Violation | undefined {
  const { client } = observation.policy.spec;
  const redirectUrl = standingBlock(observation)?.redirectUrl ?? '';
  if (client === undefined || redirectUrl === '') return undefined;
  const known = [client.url, ...client.additionalUrls].map(redirectUri);
  if (known.includes(redirectUrl)) return undefined;
  return {
    reason: Reason.RedirectMismatch,
    message:
      `${configMapName(observation)}: sso.redirectUrl is ${redirectUrl}, which Keycloak refuses for client ${client.clientId}; ` +
      `set it to ${known.join(' or ')}, or correct spec.client.url`,
    part: 'server',
    blocks: ['server'],
  };
}

/** With `insecureSkipVerify` whoever is in the way can sign in as anybody. */
export function tlsNotVerified(observation: Observation): Violation | undefined {
  if (standingBlock(observation)?.insecureSkipVerify !== true) return undefined;
  return {
    reason: Reason.TlsNotVerified,
    message:
      `${configMapName(observation)}: with sso.insecureSkipVerify Argo Server believes whoever answers in Keycloak's place; ` +
      `take it out, and let Argo Server trust Keycloak's certificate (spec.server.rootCA, since Argo 4.0)`,
    part: 'server',
    blocks: [],
  };
}

/** `rootCA` stops an Argo that does not know it, and is not written where that may be so. */
export function rootCAUnsupported(observation: Observation): Violation | undefined {
  const version = observedVersion(observation);
  if (observation.policy.spec.server?.rootCA === undefined || knowsRootCA(version)) return undefined;
  const why =
    version === undefined
      ? "Argo Server's version is not known, and one before 4.0 does not start with it; say it in spec.server.argoVersion"
      : `Argo Server ${version.major}.${version.minor} does not start with it; update Argo to 4.0, or mount the certificate into its trusted ones`;
  return {
    reason: Reason.RootCAUnsupported,
    message: `spec.server.rootCA is left out of Argo's settings: ${why}`,
    part: 'server',
    blocks: [],
  };
}
