import type { Policy, RoleBinding } from '../../api/objects.ts';
import { wantedRoles } from '../../policy/desired.ts';
import { isMadeByHelm } from '../../policy/server-paste.ts';
import { blockOf } from '../../policy/server-read.ts';
import { type Place, quoted } from '../live/kubeconfig.ts';
import { needlessBindings } from './describe.ts';
import type { Installation } from './read.ts';
import type { DescribedRoles } from './roles.ts';
import { settingsToPaste } from './server.ts';

/** Something to do, with its commands, or what to write. */
export interface Step {
  readonly what: string;
  readonly lines: readonly string[];
}

/** What the steps follow from. */
export interface StepSources {
  readonly policy: Policy;
  readonly roles: DescribedRoles;
  readonly installation: Installation;
  /** By which the consent is given. */
  readonly commands: readonly string[];
  readonly place: Place;
  /** Whether something stands against the policy, so that somebody may take grants out of it. */
  readonly isRefused: boolean;
}

/**
 * What those have to write who apply Argo's settings. Not before the policy is there: only then Secret and client have
 * what the settings rest on.
 */
function pasteSteps({ policy, installation: { server }, installation }: StepSources): readonly Step[] {
  const text = settingsToPaste(policy, server, blockOf(installation.server.reading) ?? {});
  if (text === undefined || server.settings === undefined) return [];
  const name = `ConfigMap ${server.settings.metadata.name}`;
  const lines = text.trimEnd().split('\n');
  const once = "Once the policy's conditions ClientReady and SecretReady are true,";
  if (server.reading?.form === 'config') {
    const how = isMadeByHelm(server.settings)
      ? 'set these values of the chart argo-workflows'
      : 'write there what it wants';
    return [{ what: `${name} has key config, which the operator never writes. ${once} ${how}.`, lines }];
  }
  const who = server.settingsHolders.join(', ');
  const what = `${who} manages key sso of ${name}, which the operator takes from nobody by force. ${once} write there what it wants.`;
  return [{ what, lines }];
}

/** A binding may have nearly any name, one that begins as an option does among these. */
function deletion(kubectl: string, { metadata: { namespace, name } }: RoleBinding): string {
  const options = name.startsWith('-') ? '-- ' : '';
  return `${kubectl} delete --namespace ${namespace} rolebinding ${options}${quoted(name)}`;
}

/** Whether a binding has the name of one that the policy makes, and so is that one from then on. */
function isPolicys({ metadata: { namespace, name } }: RoleBinding, policy: Policy): boolean {
  const wanted = wantedRoles(policy, []).flatMap(({ bindings }) => bindings);
  return wanted.some(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
}

/** Of commands pasted as one, those after one that fails are not run. */
function chained(commands: readonly string[]): readonly string[] {
  return commands.map((command, index) => (index === commands.length - 1 ? command : `${command} &&`));
}

const NEEDLESS = ', with which these bindings are needless, for the policy has its own.';
const KEEP = ' Where you take a grant out of this file, keep its binding.';

/** What to do, in order, so that the policy takes the place of what was made by hand. */
export function stepsFor(sources: StepSources): readonly Step[] {
  const { policy, roles, commands, place, isRefused } = sources;
  const { namespace, name } = policy.metadata;
  const kubectl = `kubectl${place.kubectlFlags}`;
  const wait = `${kubectl} wait --namespace ${namespace} --for=condition=Ready --timeout=5m argoaccesspolicy/${name}`;
  const needless = needlessBindings(roles)
    .filter(binding => !isPolicys(binding, policy))
    .map(binding => deletion(kubectl, binding));
  const consent = { what: 'Consent to the take-over; --annotate prints these lines alone.', lines: commands };
  const done = {
    what: `Wait until the operator has done its part${needless.length === 0 ? '.' : NEEDLESS}${isRefused && needless.length > 0 ? KEEP : ''}`,
    lines: chained([wait, ...needless]),
  };
  const steps = [
    consent,
    { what: 'Apply this file.', lines: [`${kubectl} apply --filename <this file>`] },
    ...pasteSteps(sources),
    done,
  ];
  return steps.filter(({ lines }) => lines.length > 0);
}
