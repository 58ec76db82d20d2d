import { readFile } from 'node:fs/promises';
import { showExplanation, showMatrix, showPlan } from './argo-access.ts';
import { damages } from './damage.ts';
import { expect } from './expect.ts';
import { type Leftovers, leftovers, readyOf } from './look.ts';
import { arrive, showArrivals } from './people.ts';
import { command, duration, heading, output, prose, say } from './print.ts';
import { rotateSecret } from './rotation.ts';
import type { Stage } from './stage.ts';

const LOGIN = 'examples/login.yaml';
const TEAM = 'examples/team.yaml';

const READY_MESSAGE = '{.status.conditions[?(@.type=="Ready")].message}';

/** A team's attempt at more than its namespace may have. */
const GREEDY = `apiVersion: argo-access.io/v1alpha1
kind: ArgoAccessPolicy
metadata:
  name: workflows
  namespace: team-a
spec:
  roles:
    - name: boss
      everyone: true
      grants:
        - clusterRole: argo-access-admin
          namespaces: [argo, team-a]
`;

async function applyLogin(stage: Stage): Promise<void> {
  heading('One object in git');
  const { kubectl } = stage;
  command(`cat ${LOGIN}`);
  output(await readFile(LOGIN, 'utf8'));
  say(
    '\nWhat would a merge of it change? The command line asks the cluster and Keycloak, and writes nothing:',
  );
  const before = await leftovers(stage);
  await showPlan(stage, LOGIN);
  expect('so far there is nothing of it', await leftovers(stage), before);
  say('\nIt is merged:');
  const started = Date.now();
  await kubectl('apply', '-f', LOGIN);
  await kubectl('wait', '--for=condition=Ready', 'aap/workflows', '-n', 'argo', '--timeout=30s');
  say(`Client, credentials, accounts, tokens and grants were there after ${duration(Date.now() - started)}.`);
  await kubectl('get', 'aap', '-A');
  await kubectl('describe', 'aap', 'workflows', '-n', 'argo');
  const again = await showPlan(stage, LOGIN);
  expect('nothing is left of the plan', again.trimEnd().split('\n').at(-1), 'No changes.');
}

async function signIn(stage: Stage): Promise<void> {
  heading('Three people sign in');
  say(
    "Each fills in Keycloak's own login form. The code that comes back is exchanged with the client's credentials\n" +
      "from the Secret; Argo's rule engine reads the ID token; the account's token is shown to the API server.",
  );
  const [ada, tim, nora] = [
    await arrive(stage, 'ada'),
    await arrive(stage, 'tim'),
    await arrive(stage, 'nora'),
  ];
  showArrivals([ada, tim, nora]);
  const account = (name: string) => `system:serviceaccount:argo:workflows-${name}`;
  const all = ['list', 'create', 'delete'];
  expect(
    'ada, an administrator, may do everything in both namespaces',
    [ada.actsAs, ada.rights],
    [account('admin'), [...all.map(verb => `argo: ${verb}`), ...all.map(verb => `team-a: ${verb}`)]],
  );
  expect(
    "tim, of team A, may run workflows in the team's namespace and look at Argo's",
    [tim.actsAs, tim.rights],
    [account('team-a'), ['argo: list', 'team-a: list', 'team-a: create']],
  );
  expect(
    'nora, in no group and so without the claim, may look',
    [nora.actsAs, nora.rights],
    [account('viewer'), ['argo: list']],
  );
  say('\nAnd who may do what altogether, by the cluster as it is:');
  const shown = await showMatrix(stage);
  const groups = ['/platform/admins', '/teams/team-a', 'everybody else'];
  expect(
    'each group has its row, and everybody else has one',
    groups.filter(who => new RegExp(`^${who} `, 'm').test(shown)),
    groups,
  );
}

async function breakThings(stage: Stage): Promise<void> {
  heading('Things are broken by hand');
  for (const damage of damages(stage)) await damage();
  say(
    '\nKubernetes tells the operator at once. Keycloak does not, so it looks there: every second in this demo,\n' +
      'every five minutes by default.',
  );
}

async function changeTeams(stage: Stage): Promise<void> {
  heading('Somebody changes teams');
  const { admin } = stage.environment.keycloak;
  const { realm } = stage;
  const tim = await admin.userId(realm, 'tim');
  await admin.leaveGroup(realm, tim, await admin.createGroup(realm, '/teams/team-a'));
  await admin.joinGroup(realm, tim, await admin.createGroup(realm, '/platform/admins'));
  say('In Keycloak, tim leaves /teams/team-a and joins /platform/admins. Who will that be to Argo?');
  const explained = await showExplanation(stage, 'tim');
  expect('an administrator', /^→ argo\/workflows-admin/m.test(explained), true);
  say('\nThe next login:');
  const arrival = await arrive(stage, 'tim');
  showArrivals([arrival]);
  expect('tim is an administrator now', arrival.actsAs, 'system:serviceaccount:argo:workflows-admin');
}

async function askTooMuch(stage: Stage): Promise<void> {
  heading('A team asks for what it may not have');
  const { kubectl } = stage;
  const before = await leftovers(stage);
  command('cat policy.yaml');
  output(GREEDY);
  command('kubectl apply -f policy.yaml');
  output(await kubectl.feed(GREEDY, 'apply', '-f', '-'));
  await kubectl('wait', '--for=condition=Stalled', 'aap/workflows', '-n', 'team-a', '--timeout=30s');
  await kubectl('get', 'aap', '-n', 'team-a');
  command(`kubectl get aap workflows -n team-a -o jsonpath='${READY_MESSAGE}'`);
  prose(await kubectl.quiet('get', 'aap', 'workflows', '-n', 'team-a', '-o', `jsonpath=${READY_MESSAGE}`));
  expect('it is refused', (await readyOf(stage, 'team-a')).reason, 'NotAllowed');
  expect('nothing was made for it, in Kubernetes or Keycloak', await leftovers(stage), before);
  say('\nSo the team asks for what it may have:');
  await kubectl('apply', '-f', TEAM);
  await kubectl('wait', '--for=condition=Ready', 'aap/workflows', '-n', 'team-a', '--timeout=30s');
  await kubectl('get', 'aap', '-A');
}

async function leave(stage: Stage, before: Leftovers): Promise<void> {
  heading('The policies go');
  const { kubectl } = stage;
  await kubectl('delete', '-f', LOGIN, '-f', TEAM);
  const label = 'app.kubernetes.io/managed-by=argo-access-operator';
  await kubectl('get', 'serviceaccounts,secrets,rolebindings', '-A', '-l', label);
  const after = await leftovers(stage);
  expect(
    'Kubernetes has the accounts, Secrets and bindings that it had before',
    after.kubernetes,
    before.kubernetes,
  );
  expect('Keycloak has the clients that it had before', after.keycloak, before.keycloak);
}

/** Plays everything that follows once the stage is set. */
export async function play(stage: Stage): Promise<void> {
  const before = await leftovers(stage);
  await applyLogin(stage);
  await signIn(stage);
  await breakThings(stage);
  await changeTeams(stage);
  await askTooMuch(stage);
  await rotateSecret(stage);
  await leave(stage, before);
}
