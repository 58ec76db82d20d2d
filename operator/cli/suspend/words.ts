import type { Policy } from '../../api/objects.ts';
import { keyOf } from '../live/policies.ts';
import type { Applier } from './gitops.ts';

/** What follows for a policy that was suspended, or goes on. */
export function describeSwitch(policy: Policy, suspend: boolean): readonly string[] {
  const { spec, status } = policy;
  const key = keyOf(policy);
  const next = status?.secret?.nextRotation;
  if (!suspend) {
    return [
      `policy ${key} goes on: the operator looks at it at once, and undoes what was changed by hand meanwhile`,
      ...(next === undefined ? [] : [`a rotation that has been due since (${next}) comes now`]),
    ];
  }
  return [
    `policy ${key} is suspended: the operator changes and checks nothing of it until it goes on`,
    'people sign in as before, but who loses access by a change of the policy keeps it meanwhile, and what is changed ' +
      'by hand stays changed; a deletion of the policy still cleans up',
    ...(spec.client === undefined || next === undefined
      ? []
      : [`the secret of client ${spec.client.clientId} is not rotated, which is due at ${next}`]),
  ];
}

/** What the applier of a policy makes of a change that is not made where it takes the policy from. */
export function describeApplier({ name, holdsSuspend }: Applier, suspend: boolean): string {
  const value = `spec.suspend: ${suspend}`;
  return holdsSuspend
    ? `${name} applies this policy with spec.suspend, and will set it back; say ${value} where it takes the policy from`
    : `${name} applies this policy, and may set it back; say ${value} where it takes the policy from`;
}
