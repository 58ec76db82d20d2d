import type { Policy } from '../../api/objects.ts';
import { policySchema } from '../../api/policy-schema.ts';
import { GROUP, KIND, VERSION } from '../../api/schema.ts';
import { exactPrecedence } from '../../policy/accounts.ts';
import { blockOf } from '../../policy/server-read.ts';
import { inCluster } from '../live/cluster.ts';
import { type KeycloakAccess, withKeycloak } from '../live/keycloak.ts';
import { withEngine } from '../plan/observe.ts';
import { ExitCode, failure, type Terminal } from '../terminal.ts';
import { explainIssues } from '../validate/explain-issue.ts';
import { fieldOf } from '../validate/finding.ts';
import { annotateCommands, clashRemarks, consentsFor } from './consent.ts';
import {
  accountRemarks,
  accountsAfter,
  bindingRemarks,
  guardRemarks,
  guardText,
  isGuarded,
} from './describe.ts';
import { changesAhead, foresee } from './foresee.ts';
import type { FoundClient } from './keycloak.ts';
import type { Access, AdoptOptions } from './options.ts';
import { type Shift, shiftsOf } from './people.ts';
import { type Installation, readInstallation } from './read.ts';
import { type Remark, remarks } from './remark.ts';
import { delegationRemarks, serverRemarks } from './server.ts';
import { describe } from './spec.ts';
import { stepsFor } from './steps.ts';
import { asFile, isFaithful, type Page } from './text.ts';

function toPolicy(manifest: unknown, namespace: string, { policies }: Installation): Policy {
  const { data, error } = policySchema.safeParse(manifest);
  if (error !== undefined) {
    const issues = explainIssues(error.issues, manifest);
    const list = issues.map(({ path, message }) => `${fieldOf(path)}: ${message}`).join('; ');
    throw failure(`what is there cannot be said by a policy: ${list}`);
  }
  const { name } = data.metadata;
  const same = policies.find(({ metadata }) => metadata.name === name);
  if (same !== undefined)
    throw failure(`policy ${namespace}/${name} is there already; choose another by --name`);
  const metadata = { name, namespace, uid: '-', resourceVersion: '' };
  return { kind: 'ArgoAccessPolicy', metadata, spec: data.spec };
}

function shiftText({ who, before, after }: Shift): string {
  const name = (list: readonly string[]) =>
    list.map(each => (each === '' ? 'is denied' : `acts as ${each}`)).join(' or ');
  return `${who}: ${name(before)} today, and ${name(after)} then`;
}

interface Compared {
  readonly tried: number | undefined;
  readonly remarks: readonly Remark[];
}

async function compare(
  { engine, cluster, note }: Access,
  installation: Installation,
  after: Installation['accounts'],
  always: FoundClient['always'],
): Promise<Compared> {
  try {
    const { tried, shifts } = await shiftsOf(
      { before: installation.accounts, after, always },
      engine,
      cluster.signal,
    );
    return { tried, remarks: remarks('change', shifts.map(shiftText)) };
  } catch (error) {
    cluster.signal.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    note(`whether Argo chooses the same ServiceAccounts: its rule engine cannot be started (${why})`);
    return { tried: undefined, remarks: [] };
  }
}

async function lookAhead(
  { cluster, keycloak, engine, note }: Access,
  yaml: string,
  consents: ReturnType<typeof consentsFor>,
  installation: Installation,
): Promise<readonly Remark[]> {
  if (keycloak === undefined) {
    note(
      "what the operator's configuration allows, and what Keycloak's client is like: give --config for that",
    );
    return [];
  }
  const report = await foresee({ cluster, keycloak, engine, note }, yaml, consents, installation);
  // What to write into Argo's settings is a step of its own.
  const said = ({ reason, message }: { reason: string; message: string }) =>
    `${reason}: ${message.replace(/[^.]*:\n.*$/s, ' What to write is shown below.')}`;
  return [
    ...remarks('problem', report.problems.map(said)),
    ...remarks('warning', report.warnings.map(said)),
    ...changesAhead(report),
  ];
}

async function adoptIn(
  access: Access,
): Promise<{ readonly page: Page; readonly commands: readonly string[] }> {
  const { cluster, options, note } = access;
  const { namespace } = cluster;
  const installation = await readInstallation(cluster, options.deployment, note);
  const described = await describe(access, installation);
  const manifest = {
    apiVersion: `${GROUP}/${VERSION}`,
    kind: KIND,
    metadata: { name: options.name, namespace },
    spec: described.spec,
  };
  const policy = toPolicy(manifest, namespace, installation);
  const after = accountsAfter(policy, installation);
  const compared = await compare(access, installation, after, described.always);
  const consents = consentsFor(policy, installation);
  const ahead = await lookAhead(access, JSON.stringify(manifest), consents, installation);
  const commands = annotateCommands(consents, options.name, cluster.place.kubectlFlags);
  const { roles } = described;
  const isLogin = [policy, ...installation.policies].some(({ spec }) => spec.client !== undefined);
  const noted = roles.roles.filter(isGuarded);
  const page: Page = {
    title: `What was made by hand in namespace ${namespace} of context ${cluster.place.context}, as a policy.`,
    remarks: [
      ...compared.remarks,
      ...described.remarks,
      ...accountRemarks(roles, after, installation),
      ...delegationRemarks(after, installation, exactPrecedence, isLogin),
      ...serverRemarks(policy, installation.server, blockOf(installation.server.reading) ?? {}),
      ...guardRemarks(roles),
      ...bindingRemarks(roles),
      ...clashRemarks(policy, installation),
      ...ahead,
    ],
    tried: compared.tried,
    steps: stepsFor({
      policy,
      roles,
      installation,
      commands,
      place: cluster.place,
      isRefused: ahead.some(({ kind }) => kind === 'problem'),
    }),
    policy: manifest,
    roleNotes: new Map(noted.map(role => [role.spec.name, guardText(role)])),
  };
  return { page, commands };
}

/**
 * Describes what a hand-made installation has as a policy, with the consent that taking it over needs.
 *
 * @param wasmPath Argo's rule engine; by default the one that lies beside the code
 */
export async function adopt(options: AdoptOptions, terminal: Terminal, wasmPath?: string): Promise<ExitCode> {
  const notes = new Set<string>();
  const note = (text: string) => void notes.add(text);
  const { page, commands } = await inCluster(options, terminal, cluster =>
    withEngine(wasmPath, engine => {
      const work = (keycloak: KeycloakAccess | undefined) =>
        adoptIn({ cluster, keycloak, engine, options, note });
      return options.config === undefined ? work(undefined) : withKeycloak(options.config, work);
    }),
  );
  const whole = { ...page, remarks: [...page.remarks, ...remarks('unknown', [...notes])] };
  terminal.out(options.annotate === true ? commands.map(line => `${line}\n`).join('') : asFile(whole));
  return isFaithful(whole.remarks) ? ExitCode.Ok : ExitCode.Wrong;
}
