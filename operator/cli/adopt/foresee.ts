import { ANNOTATION_ADOPT_BY } from '../../api/names.ts';
import type { ObjectMeta } from '../../api/objects.ts';
import type { RuleEngine } from '../../argo/engine.ts';
import type { Stored } from '../../kubernetes/store.ts';
import type { Cluster } from '../live/cluster.ts';
import type { KeycloakAccess } from '../live/keycloak.ts';
import type { ChangeView } from '../plan/change-view.ts';
import { viewCluster } from '../plan/cluster-view.ts';
import { readFiles } from '../plan/files.ts';
import { observeMerged } from '../plan/observe.ts';
import { mergePolicies } from '../plan/policies.ts';
import { type PolicyReport, reportPolicy } from '../plan/report.ts';
import { planAround } from '../plan/taken.ts';
import { ExitCode } from '../terminal.ts';
import type { Consent } from './consent.ts';
import type { Installation } from './read.ts';
import { type Remark, remarks } from './remark.ts';

/** What looking ahead needs. */
export interface Foresight {
  readonly cluster: Cluster;
  readonly keycloak: KeycloakAccess;
  readonly engine: RuleEngine;
  readonly note: (text: string) => void;
}

function consenting<T extends Stored>(object: T, policy: string): T {
  const { annotations, resourceVersion } = object.metadata;
  const metadata: ObjectMeta = {
    ...object.metadata,
    // A store takes only what is later.
    resourceVersion: `${BigInt(resourceVersion || 0) + 1n}`,
    annotations: { ...annotations, [ANNOTATION_ADOPT_BY]: policy },
  };
  return { ...object, metadata };
}

/** What the operator would do with the policy once the consent is given, by the machinery of `plan`. */
export async function foresee(
  { cluster, keycloak, engine, note }: Foresight,
  yaml: string,
  consents: readonly Consent[],
  { policies, namespace }: Installation,
): Promise<PolicyReport> {
  const now = Date.now();
  const files = readFiles([{ file: 'policy', text: yaml }], { namespace, wrong: ExitCode.Failed });
  const merged = mergePolicies({ files, present: policies, pruned: new Set(), now });
  const homes = new Set([namespace]);
  const all = merged.map(({ policy }) => policy);
  const view = await viewCluster(cluster, keycloak.config, all, homes);
  const { accounts, secrets, bindings } = view.cache;
  const name = files[0]?.policy.metadata.name ?? '';
  for (const { kind, namespace: home, name: taken } of consents) {
    const store = { ServiceAccount: accounts, Secret: secrets, RoleBinding: bindings }[kind];
    const object = store.get(home, taken);
    if (object !== undefined) (store.put as (object: Stored) => void)(consenting(object, name));
  }
  const observations = await observeMerged({ cluster, keycloak, view, engine, now, note }, merged);
  const [prospect] = planAround(observations, view.holders);
  const [first] = merged;
  if (prospect === undefined || first === undefined) throw new Error('the policy was not planned');
  return reportPolicy(first, prospect);
}

/** Told by themselves: accounts, tokens, bindings and settings; and of the client its addresses, and our own marks. */
const TOLD: ReadonlySet<string> = new Set(['ServiceAccount', 'Secret', 'RoleBinding', 'ConfigMap']);
const TOLD_FIELD = /^(?:attributes\[argo-access\.io\/.*\]|description|redirectUris)$/;

function valueText(value: unknown): string {
  return value === undefined ? '(none)' : JSON.stringify(value);
}

function fieldsText({ fields }: ChangeView): string {
  const shown = fields.filter(({ field }) => !TOLD_FIELD.test(field));
  const list = shown.map(
    ({ field, before, after }) =>
      `${field.replace(/^protocolMappers\[.*?\]\./, '')}: ${valueText(before)} → ${valueText(after)}`,
  );
  return list.join('; ');
}

function changeRemarks(change: ChangeView): readonly Remark[] {
  const { kind, name, note } = change;
  if (note !== undefined) return remarks('rewritten', [`${kind} ${name}: ${note}`]);
  const text = fieldsText(change);
  if (text === '') return [];
  // Somebody may use it for something else.
  return kind === 'KeycloakClient'
    ? remarks('warning', [`client ${name} serves Argo Server alone from then on: ${text}`])
    : remarks('rewritten', [`${kind} ${name}: ${text}`]);
}

/** What becomes of the client, its mappers and Argo Server's Deployment. */
export function changesAhead({ changes }: PolicyReport): readonly Remark[] {
  return changes.filter(({ kind }) => !TOLD.has(kind)).flatMap(changeRemarks);
}
