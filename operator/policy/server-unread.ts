import type { Sighting } from './observation.ts';
import type { Violation } from './reasons.ts';
import { Reason } from './reasons.ts';

/**
 * What of Argo Server cannot be read is neither judged nor changed.
 *
 * @param name kind and name of the object, for people
 */
export function unreadServer(
  { forbidden, message }: Extract<Sighting<unknown>, { readonly state: 'unread' }>,
  name: string,
): Violation {
  return {
    reason: forbidden ? Reason.KubernetesForbidden : Reason.KubernetesUnavailable,
    message: forbidden
      ? `the operator may not read ${name}; apply the rights that "argo-access rbac" renders from its configuration`
      : `${name} has not been read yet${message === '' ? '' : `: ${message}`}`,
    part: 'server',
    blocks: ['server'],
  };
}
