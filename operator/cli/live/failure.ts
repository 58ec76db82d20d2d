import { KubernetesError } from '../../kubernetes/errors.ts';
import type { Resource } from '../../kubernetes/paths.ts';
import { CommandFailure, ExitCode } from '../terminal.ts';
import type { Place } from './kubeconfig.ts';

/** What was asked of the API server, in the words of its rights. */
export interface Asked {
  readonly verb: 'get' | 'list' | 'create' | 'patch' | 'update' | 'delete';
  readonly resource: Pick<Resource, 'group' | 'plural'>;
  /** All namespaces, or none, where it is left out. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

/** The end of a command for which the API server did not do what was asked; `cause` is the `KubernetesError`. */
export function explainFailure(place: Place, asked: Asked, error: unknown): unknown {
  if (!(error instanceof KubernetesError)) return error;
  return new CommandFailure(sentence(place, asked, error), ExitCode.Failed, error);
}

/** Whether a command would end because of an answer of this kind. */
export function isKind(error: unknown, kind: KubernetesError['kind']): boolean {
  if (error instanceof CommandFailure) return isKind(error.cause, kind);
  return error instanceof KubernetesError && error.kind === kind;
}

function sentence(place: Place, asked: Asked, error: KubernetesError): string {
  switch (error.kind) {
    case 'Unavailable':
      return unreachable(place, error);
    case 'Unauthorized':
      return `${at(place)} refuses the credentials of that context; sign in again, or choose another by --context`;
    case 'Forbidden':
      return forbidden(place, asked, error);
    default:
      return `${whatOf(asked)}: ${saidBy(error)}`;
  }
}

function at({ kubeconfig, context, server }: Place): string {
  return `the cluster ${server} (context ${context} of ${kubeconfig})`;
}

/** Why there was no answer, for those that need no look into a manual. */
const WHY: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name cannot be looked up just now',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
  ECONNRESET: 'the connection broke',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not signed by an authority of the kubeconfig',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not signed by an authority of the kubeconfig',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not signed by an authority of the kubeconfig',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not signed by an authority of the kubeconfig',
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is another host's",
};

const CREDENTIALS = 'reading the credentials: ';

function unreachable(place: Place, error: KubernetesError): string {
  const said = saidBy(error);
  if (said.startsWith(CREDENTIALS)) {
    const { cause } = error;
    const why = firstLine(cause instanceof Error ? cause.message : '') || said.slice(CREDENTIALS.length);
    return `the credentials for ${at(place)} cannot be had: ${why}; sign in again, or choose another by --context`;
  }
  const why = WHY[said] === undefined ? said : `${WHY[said]} (${said})`;
  return (
    `${at(place)} cannot be reached: ${why}; see whether it runs and whether this machine may reach it, ` +
    'or choose another by --context or --kubeconfig'
  );
}

function forbidden({ kubectlFlags }: Place, asked: Asked, error: KubernetesError): string {
  const { verb, resource, namespace, name } = asked;
  const [, user] = /User "([^"]+)"/.exec(error.message) ?? [];
  const who = user === undefined ? 'you' : `you (${user})`;
  const what = name === undefined ? nameOf(resource) : `${nameOf(resource)}/${name}`;
  const where = namespace === undefined ? '--all-namespaces' : `-n ${namespace}`;
  const line = `kubectl auth can-i ${verb} ${what} ${where}${kubectlFlags}`;
  return `${who} may not ${whatOf(asked)}; ask for that right: \`${line}\` tells whether you have it`;
}

/** As in `list argoaccesspolicies.argo-access.io in namespace argo`. */
function whatOf({ verb, resource, namespace, name }: Asked): string {
  const what = name === undefined ? nameOf(resource) : `${nameOf(resource)} ${name}`;
  return `${verb} ${what} ${namespace === undefined ? 'in all namespaces' : `in namespace ${namespace}`}`;
}

function nameOf({ group, plural }: Asked['resource']): string {
  return group === '' ? plural : `${plural}.${group}`;
}

/** The message without the request that it begins with. */
function saidBy({ message }: KubernetesError): string {
  return message.replace(/^[A-Z]+ \S+: /, '');
}

function firstLine(text: string): string {
  return text.split('\n').find(line => line.trim() !== '') ?? '';
}
