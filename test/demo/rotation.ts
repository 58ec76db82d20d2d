import { readFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { ANNOTATION_ROTATE_REQUESTED } from '../../operator/api/names.ts';
import type { PolicyStatus } from '../../operator/api/status-schema.ts';
import { leaseName } from '../../operator/rbac.ts';
import { usesExistingKubernetes } from '../env/existing.ts';
import { type LoginSite, loginThrough } from '../env/login-load.ts';
import { eventually } from '../env/process.ts';
import { openAcross, type RotationOutcome, rotateUnderLoad, timeOf } from '../env/rotation-load.ts';
import { rotationSteps, STEP } from '../env/rotation-steps.ts';
import { drawTimeline } from '../env/timeline.ts';
import { type ArgoServer, installArgoServer } from './argo-server.ts';
import { expect } from './expect.ts';
import { command, duration, heading, output, prose, say } from './print.ts';
import type { Stage } from './stage.ts';

const POLICY = 'examples/rotation.yaml';
const REDIRECT = 'https://workflows.example.com/oauth2/callback';
const SECRET_MESSAGE = '{.status.conditions[?(@.type=="SecretReady")].message}';
const HOUR_S = 3600;
const LOGINS = 40;
/** Open across each step, at least. */
const AT_A_TIME = 3;
/** How many sign in before, and after. */
const AROUND = 4;
const WIDTH = 104;
/** The old secret outlives all others, by an hour. */
const STEPS = Object.values(STEP).filter(name => name !== STEP.ended);

/** Why the scene cannot be played here; undefined where it can. */
async function obstacle({ environment }: Stage): Promise<string | undefined> {
  if (usesExistingKubernetes()) return 'this cluster has a kubelet of its own, which would run the pods';
  // It stands beside the realms.
  const answer = await environment.keycloak.admin.request('GET', '/../serverinfo');
  const { features } = (await answer.json()) as {
    readonly features?: readonly { readonly name: string; readonly enabled: boolean }[];
  };
  const has = features?.some(({ name, enabled }) => name === 'CLIENT_SECRET_ROTATION' && enabled);
  return has ? undefined : 'this Keycloak runs without the feature client-secret-rotation';
}

async function statusOf({ api, signal }: Stage): Promise<PolicyStatus | undefined> {
  const path = '/apis/argo-access.io/v1alpha1/namespaces/argo/argoaccesspolicies/workflows';
  return ((await api.request({ method: 'GET', path, signal })) as { readonly status?: PolicyStatus }).status;
}

/** The Lease as a former operator would have let it go: without one, nobody makes secrets for 15 seconds. */
async function letLeaseGo({ kubectl }: Stage): Promise<void> {
  const lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: leaseName('production'), namespace: 'argo-access-system' },
    spec: { holderIdentity: '', leaseDurationSeconds: 1 },
  };
  await kubectl.feed(stringify(lease), 'create', '-f', '-');
}

async function awaitReady({ kubectl }: Stage, { settled }: ArgoServer): Promise<void> {
  await kubectl('wait', '--for=condition=Ready', 'aap/workflows', '-n', 'argo', '--timeout=30s');
  await settled();
}

/** Installs Argo Server, and applies the policy that sees to it. */
async function prepare(stage: Stage): Promise<ArgoServer> {
  const { environment, kubectl, realm } = stage;
  say(
    'Argo Server is played by a small program here, and the kubelet, which runs it for each pod of the Deployment,\n' +
      'by this demo. Like Argo Server it reads settings and secret once, at its start: so far there are none.',
  );
  command('kubectl apply -f argo-server.yaml');
  const { said, server } = await installArgoServer(stage);
  output(said);
  await environment.keycloak.admin.coverByRotationPolicy(realm, {
    secretPeriodSeconds: 90 * 24 * HOUR_S,
    rotatedPeriodSeconds: 24 * HOUR_S,
  });
  say(
    "\nIn Keycloak, the realm's administrator lets an old secret live on for up to a day: a client policy with the\n" +
      'executor secret-rotation.',
  );
  command(`cat ${POLICY}`);
  output(await readFile(POLICY, 'utf8'));
  await letLeaseGo(stage);
  await kubectl('apply', '-f', POLICY);
  await awaitReady(stage, server);
  await kubectl(
    ...['get', 'configmap', 'workflow-controller-configmap', '-n', 'argo', '-o', 'jsonpath={.data.sso}'],
  );
  // Keycloak notes the end of a secret at the first login under such a policy, and would refuse others at that moment.
  expect('ada signs in', (await loginThrough(siteOf(server), 'ada')).ok, true);
  return server;
}

function siteOf({ pods }: ArgoServer): LoginSite {
  return { service: pods.service, redirectUri: REDIRECT };
}

/** Asks for a new secret while people sign in, and shows how that went. */
async function rotateNow(stage: Stage, server: ArgoServer): Promise<RotationOutcome> {
  const { environment, kubectl, operator, realm } = stage;
  const outcome = await rotateUnderLoad({
    load: { site: siteOf(server), users: ['ada', 'tim', 'nora'], concurrency: 2 },
    names: STEPS,
    atATime: AT_A_TIME,
    around: AROUND,
    atLeast: LOGINS,
    begin: () => {
      const annotation = `${ANNOTATION_ROTATE_REQUESTED}=${new Date().toISOString()}`;
      return kubectl('annotate', 'aap', 'workflows', '-n', 'argo', '--overwrite', annotation);
    },
    currentSecret: async () =>
      (await environment.keycloak.admin.clientSecretState(realm, 'argo-workflows')).current,
    stepsSince: async since =>
      rotationSteps(
        { log: await operator.log(), pods: server.pods.events, secret: 'argo-server-sso' },
        since,
      ),
  });
  say(`\n${drawTimeline(outcome.steps, outcome.results, WIDTH)}\n`);
  return outcome;
}

async function withOldSecret(stage: Stage, server: ArgoServer): Promise<void> {
  const { kubectl } = stage;
  say('\nPeople sign in all the time, and some of them sit at the form across each step. A new secret now:');
  const outcome = await rotateNow(stage, server);
  const { failed, results } = outcome;
  const least = Math.min(...openAcross(outcome));
  expect(`${least} logins or more were open across each step`, least >= AT_A_TIME, true);
  expect(`${results.length} logins through the rotation, and not one of them failed`, failed, []);
  await awaitReady(stage, server);
  await kubectl('get', 'aap', '-n', 'argo');
  await kubectl('events', '-n', 'argo', '--for=aap/workflows');
}

/** Ends the old secret as an administrator may, so that there can be another. */
async function endOverlap(stage: Stage): Promise<void> {
  const { environment, realm } = stage;
  const id = (await statusOf(stage))?.client?.id;
  await environment.keycloak.admin.request('DELETE', `/${realm}/clients/${id}/client-secret/rotated`);
  const ended = async () => (await statusOf(stage))?.secret?.overlapUntil === undefined;
  await eventually('the overlap is over', ended);
}

async function withoutOldSecret(stage: Stage, server: ArgoServer): Promise<void> {
  heading("The same without the realm's policy");
  const { environment, kubectl, realm } = stage;
  await endOverlap(stage);
  await environment.keycloak.admin.removeRotationPolicy(realm);
  say(
    'In Keycloak, an administrator ends the old secret, and takes the client policy away. A policy that asks for an\n' +
      'overlap would not rotate now, so that goes too, and the policy says what it costs:',
  );
  const patch = '[{"op":"remove","path":"/spec/client/secret/rotation/overlap"}]';
  await kubectl('patch', 'aap', 'workflows', '-n', 'argo', '--type=json', `--patch=${patch}`);
  const told = await eventually('the policy says what it costs', async () => {
    const conditions = (await statusOf(stage))?.conditions;
    return conditions?.find(({ reason, type }) => type === 'SecretReady' && reason === 'NoOverlap')?.message;
  });
  await kubectl('get', 'aap', '-n', 'argo');
  command(`kubectl get aap workflows -n argo -o jsonpath='${SECRET_MESSAGE}'`);
  prose(told);
  const outcome = await rotateNow(stage, server);
  const { failed, results } = outcome;
  const [made, gone] = [timeOf(outcome, STEP.regenerated), timeOf(outcome, STEP.gone)];
  const outside = failed.filter(({ doneAt }) => doneAt < made || doneAt > gone);
  const window = duration(gone - made);
  expect(
    `${failed.length} of ${results.length} logins met a pod with the old secret, and had to be begun anew`,
    [failed.length > 0, failed.filter(({ status }) => status !== 401)],
    [true, []],
  );
  expect(
    `all of them within the ${window} from the new secret until the old pod was gone, none before or after`,
    outside,
    [],
  );
  say(
    'That is as long as Argo Server takes to be restarted. Who is signed in already notices nothing, in either case.',
  );
  await awaitReady(stage, server);
}

/** Rotates the secret while people sign in, with and without the realm's policy. */
export async function rotateSecret(stage: Stage): Promise<void> {
  heading('The secret rotates while people sign in');
  const why = await obstacle(stage);
  if (why !== undefined) {
    say(`Left out: ${why}.`);
    return;
  }
  const server = await prepare(stage);
  await withOldSecret(stage, server);
  await withoutOldSecret(stage, server);
  await server.remove();
}
