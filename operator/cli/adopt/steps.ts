import type { Policy } from '../../api/objects.ts';
import { blockOf } from '../../policy/server-read.ts';
import type { Place } from '../live/kubeconfig.ts';
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
}

/**
 * What those have to write who apply Argo's settings. Not before the policy is there: only then Secret and client have
 * what the settings rest on.
 */
function pasteSteps({ policy, installation: { server }, installation }: StepSources): readonly Step[] {
  const sso = settingsToPaste(policy, server, blockOf(installation.server.reading) ?? {});
  if (sso === undefined || server.settings === undefined) return [];
  const name = `ConfigMap ${server.settings.metadata.name}`;
  const block = sso
    .trimEnd()
    .split('\n')
    .map(line => `  ${line}`);
  const done =
    "Once the policy's conditions ClientReady and SecretReady are true, write there what it wants.";
  if (server.reading?.form === 'config') {
    const what = `${name} has key config, as argo-helm writes it (server.sso in its values), which the operator never writes. ${done}`;
    return [{ what, lines: ['sso:', ...block] }];
  }
  const who = server.settingsHolders.join(', ');
  const what = `${who} manages key sso of ${name}, which the operator takes from nobody by force. ${done}`;
  return [{ what, lines: ['sso: |', ...block] }];
}

/** What to do, in order, so that the policy takes the place of what was made by hand. */
export function stepsFor(sources: StepSources): readonly Step[] {
  const { policy, roles, commands, place } = sources;
  const { namespace, name } = policy.metadata;
  const kubectl = `kubectl${place.kubectlFlags}`;
  const wait = `${kubectl} wait --namespace ${namespace} --for=condition=Ready --timeout=5m argoaccesspolicy/${name}`;
  const needless = needlessBindings(roles).map(
    ({ metadata }) => `${kubectl} delete --namespace ${metadata.namespace} rolebinding ${metadata.name}`,
  );
  const consent = { what: 'Consent to the take-over; --annotate prints these lines alone.', lines: commands };
  const cleanUp = { what: 'Then these bindings are needless, for the policy has its own.', lines: needless };
  const steps = [
    consent,
    { what: 'Apply this file.', lines: [`${kubectl} apply --filename <this file>`] },
    ...pasteSteps(sources),
    { what: 'Wait until the operator has done its part.', lines: [wait] },
    cleanUp,
  ];
  return steps.filter(({ lines }) => lines.length > 0);
}
