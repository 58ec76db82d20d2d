import { type Check, fail, type Outcome, pass, unknown, warn } from './finding.ts';
import { type DoctorSnapshot, kubectl, orUndefined, type ServerSight, serverName } from './snapshot.ts';

/** Argo Server is there at all. */
function deployment(snapshot: DoctorSnapshot): readonly Outcome[] {
  const name = serverName(snapshot);
  const { deployment: seen } = snapshot;
  if ('unknown' in seen) return [unknown(name, seen.unknown)];
  if (seen.known !== undefined) return [pass(name, 'is there')];
  return [
    fail(
      name,
      `${name} does not exist`,
      `name Argo Server's Deployment by --deployment (of argo-helm it is RELEASE-argo-workflows-server, see ` +
        `\`${kubectl(snapshot)} get deployments\`) and its namespace by --namespace, or install Argo Server`,
    ),
  ];
}

/** Modes with which nobody has to sign in (argo-workflows, server/auth/mode.go). */
const OPEN = ['server', 'hybrid'];

/** Without the mode `sso` nobody can sign in. */
function authMode(snapshot: DoctorSnapshot): readonly Outcome[] {
  const { flags } = snapshot;
  const name = serverName(snapshot);
  if (flags === undefined) {
    return orUndefined(snapshot.deployment) === undefined
      ? []
      : [unknown(name, `which container of ${name} is Argo Server cannot be told`)];
  }
  const { authModes } = flags;
  const modes = authModes.join(', ');
  if (!authModes.includes('sso')) {
    if (authModes.some(mode => mode.includes('$'))) {
      return [unknown(name, `${name} takes its --auth-mode from what cannot be seen here: ${modes}`)];
    }
    return [
      fail(
        name,
        `${name} starts Argo Server with --auth-mode ${modes}, so that nobody can sign in through Keycloak`,
        'add --auth-mode=sso to the args of its container (with argo-helm: server.authModes)',
      ),
    ];
  }
  const open = authModes.find(mode => OPEN.includes(mode));
  if (open === undefined) return [pass(name, `--auth-mode is ${modes}`)];
  return [
    warn(
      name,
      `${name} starts Argo Server with --auth-mode ${open} beside sso, so that whoever does not sign in acts with the rights of Argo Server itself`,
      `take --auth-mode=${open} out of the args of its container`,
    ),
  ];
}

function whyOf({ rollout, troubles }: ServerSight): string {
  const why = [...(rollout.why === undefined ? [] : [rollout.why]), ...troubles];
  return why.length === 0 ? '' : `: ${why.join('; ')}`;
}

/** Argo Server stops at its start over settings, credentials or an issuer that it cannot read. */
function pods(snapshot: DoctorSnapshot): readonly Outcome[] {
  const seen = orUndefined(snapshot.deployment);
  if (seen === undefined) return [];
  const { deploymentName } = snapshot;
  const name = serverName(snapshot);
  const why = whyOf(seen);
  const log = `see its log (\`${kubectl(snapshot)} logs deployment/${deploymentName}\`), which names what it stops at, and mend what is wrong below`;
  if (seen.replicas === 0) {
    const scale = `${kubectl(snapshot)} scale deployment/${deploymentName} --replicas=1`;
    return [fail(name, `${name} has no replicas, so that nobody can reach Argo`, `\`${scale}\``)];
  }
  if (seen.paused) {
    const resume = `${kubectl(snapshot)} rollout resume deployment/${deploymentName}`;
    return [
      warn(name, `${name} is paused, so that no change of its settings comes into effect`, `\`${resume}\``),
    ];
  }
  switch (seen.rollout.progress) {
    case 'complete':
      return [pass(name, 'all of it is available')];
    case 'down':
      return [fail(name, `no pod of ${name} is ready, so that nobody can reach Argo${why}`, log)];
    case 'failed':
      return [
        fail(
          name,
          `the rollout of ${name} does not come to its end, and old pods have old settings${why}`,
          log,
        ),
      ];
    case 'rolling':
      if (seen.troubles.length === 0 && isRestartedByPolicy(snapshot)) {
        return [pass(name, 'the operator is rolling it out')];
      }
      return seen.troubles.length === 0
        ? [warn(name, `${name} is being rolled out${why}`, 'wait until it is done, and look again')]
        : [fail(name, `the rollout of ${name} does not come to its end${why}`, log)];
    case 'degraded':
      return [warn(name, `not all pods of ${name} are ready${why}`, log)];
  }
}

/** The operator restarts Argo Server by itself, and its policy tells how that goes. */
function isRestartedByPolicy({ policies, deploymentName }: DoctorSnapshot): boolean {
  return (orUndefined(policies) ?? []).some(
    ({ spec }) => spec.client !== undefined && spec.server?.deployment === deploymentName && !spec.suspend,
  );
}

interface Written {
  readonly what: string;
  readonly at: number | undefined;
}

/** What Argo Server reads at its start only (argo-workflows, server/apiserver/argoserver.go, server/auth/sso/sso.go). */
function readAtStart(snapshot: DoctorSnapshot): readonly Written[] {
  const { block, secrets, namespace, configMapName } = snapshot;
  const configMap = orUndefined(snapshot.configMap);
  const names = new Set([block?.clientId?.name, block?.clientSecret?.name]);
  const credentials = [...secrets].filter(([name]) => names.has(name));
  return [
    ...(configMap === undefined
      ? []
      : [{ what: `ConfigMap ${namespace}/${configMapName}`, at: configMap.changedAt }]),
    ...credentials.flatMap(([name, seen]) => {
      const secret = orUndefined(seen);
      return secret === undefined ? [] : [{ what: `Secret ${namespace}/${name}`, at: secret.changedAt }];
    }),
  ];
}

/** Settings and credentials count from the next start on. */
function restarted(snapshot: DoctorSnapshot): readonly Outcome[] {
  const seen = orUndefined(snapshot.deployment);
  if (seen === undefined || snapshot.block === undefined) return [];
  if (seen.rollout.progress !== 'complete' || seen.replicas === 0) return [];
  const name = serverName(snapshot);
  if (isRestartedByPolicy(snapshot)) return [pass(name, 'a policy sees to its restarts')];
  const written = readAtStart(snapshot);
  // A pod may have been started anew since the last rollout, but none before it.
  const at = seen.startedAt ?? seen.rollout.completedAt ?? 0;
  const later = written.filter(each => each.at === undefined || each.at > at).map(({ what }) => what);
  if (later.length === 0) return [pass(name, 'started after its settings were last changed')];
  const what = `${later.join(' and ')} ${later.length === 1 ? 'was' : 'were'}`;
  if (seen.startedAt === undefined || written.some(each => each.at === undefined)) {
    return [
      unknown(
        name,
        `whether Argo Server was started after ${what} last written cannot be told; it reads that at its start only`,
      ),
    ];
  }
  return [
    warn(
      name,
      `${what} written after Argo Server had started, which still goes by what was there before`,
      `\`${kubectl(snapshot)} rollout restart deployment/${snapshot.deploymentName}\`, once all else here is in order`,
    ),
  ];
}

/** How Argo Server runs. */
export const SERVER_CHECKS: readonly Check[] = [
  { id: 'deployment', subject: 'server', judge: deployment },
  { id: 'auth-mode', subject: 'server', judge: authMode },
  { id: 'pods', subject: 'server', judge: pods },
  { id: 'restarted', subject: 'server', judge: restarted },
];
