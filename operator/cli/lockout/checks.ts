import type { Deployment } from '../../api/objects.ts';
import type { Target } from './target.ts';

/** What was found out before anything is done. */
export interface Findings {
  /** Why the issuer does not answer; undefined where it does. */
  readonly issuerProblem: string | undefined;
  readonly deployment: Deployment | undefined;
  /** What Argo Server's account may not do and has to; undefined where that cannot be found out. */
  readonly missingAccess: readonly string[] | undefined;
}

/** Why it is not done: Argo Server would not come back, or not let anybody in. Each with the remedy. */
export function refusals(target: Target, findings: Findings): readonly string[] {
  const { namespace } = target;
  const { issuerProblem, deployment, missingAccess = [] } = findings;
  return [
    ...(issuerProblem === undefined
      ? []
      : [
          `the issuer does not answer, without which Argo Server does not start: ${issuerProblem}; bring Keycloak back. ` +
            'Where only this machine cannot reach or trust it, run the command from one that can (NODE_EXTRA_CA_CERTS ' +
            'names a file with certificates to trust)',
        ]),
    ...(missingAccess.length === 0
      ? []
      : [
          `ServiceAccount ${deployment?.serviceAccountName} may not ${missingAccess.join(', ')} in namespace ${namespace}, ` +
            'without which Argo Server does not make its key anew, or lets nobody in; give it the rights of docs/install-argo.md',
        ]),
    ...deploymentRefusals(target, deployment),
  ];
}

function deploymentRefusals(
  { namespace, deployment: name }: Target,
  deployment: Deployment | undefined,
): readonly string[] {
  if (deployment === undefined) {
    return [`Deployment ${name} does not exist in namespace ${namespace}; correct spec.server.deployment`];
  }
  const { paused, rollout } = deployment;
  if (paused) {
    return [
      `Deployment ${name} is paused and would not restart; kubectl --namespace ${namespace} rollout resume deployment/${name}`,
    ];
  }
  if (rollout.progress === 'complete') return [];
  const why = rollout.why === undefined ? '' : `: ${rollout.why}`;
  return [
    `Deployment ${name} is being rolled out, or not all of it is available${why}; wait until it is, or mend it: kubectl ` +
      `--namespace ${namespace} rollout status deployment/${name}`,
  ];
}

/** What is about to happen, as it is told before anybody agrees. */
export function announcement(target: Target, context: string, { missingAccess }: Findings): string {
  const { namespace, deployment, policy } = target;
  return [
    `This ends every open session of Argo Server, Deployment ${namespace}/${deployment} of context ${context}:`,
    `  1. Secret ${namespace}/sso is deleted, which holds the key of its session cookies`,
    `  2. Deployment ${deployment} is restarted, and makes a new key`,
    'Everybody has to sign in again, once the last pod with the old key is gone. Workflows that run go on.',
    'Whoever Keycloak still lets in, and a role still matches, gets in again: to keep somebody out, take the groups',
    `away first, or disable the user in Keycloak, or change policy ${policy.metadata.name}.`,
    ...(missingAccess === undefined
      ? [
          `Not checked, for you may not create localsubjectaccessreviews in namespace ${namespace}: whether Argo Server may`,
          'make its key anew. It has to be allowed to create Secrets there.',
        ]
      : []),
  ].join('\n');
}
