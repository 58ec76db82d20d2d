import type { RawObject } from '../../operator/kubernetes/decode.ts';
import { eventually } from '../env/process.ts';
import { healingOf } from './healing.ts';
import { duration, holds, output, say } from './print.ts';
import type { Stage } from './stage.ts';

const RULE = 'workflows.argoproj.io/rbac-rule';
const REDIRECT = 'https://workflows.example.com/oauth2/callback';
const DEADLINE_MS = 15_000;
const LOOK_MS = 20;
const BINDING = 'argo-access:argo:workflows-team-a:clusterrole:argo-access-submitter';

/** Does damage, and tells what the operator did about it and how long it was so; it must have done something. */
async function told({ operator }: Stage, what: string, heal: () => Promise<number>): Promise<void> {
  const before = (await operator.log()).length;
  const ms = await heal();
  const changes = await eventually(
    'the operator logs what it has mended',
    async () => {
      const lines = (await operator.log()).slice(before).filter(({ change }) => change !== undefined);
      return lines.length > 0 && lines;
    },
    DEADLINE_MS,
    LOOK_MS,
  );
  for (const { msg, kind, namespace, name } of changes) {
    output(`operator: ${msg} ${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`);
  }
  holds(`${what}, after ${ms < 1000 ? `${Math.ceil(ms)} ms` : duration(ms)}`);
}

function widenRule(stage: Stage): Promise<void> {
  const { api, kubectl } = stage;
  const annotationOf = ({ metadata }: RawObject) => (metadata?.annotations as Record<string, string>)?.[RULE];
  const watched = {
    api,
    path: '/api/v1/namespaces/argo/serviceaccounts',
    name: 'workflows-admin',
    isRight: (account: RawObject) => annotationOf(account)?.includes('/platform/admins') === true,
  };
  const annotate = () =>
    kubectl('annotate', 'serviceaccount', 'workflows-admin', '-n', 'argo', `${RULE}=true`, '--overwrite');
  say('A rule that would make everybody an administrator:');
  return told(stage, 'the rule is for administrators again', () => healingOf(watched, annotate));
}

function deleteBinding(stage: Stage): Promise<void> {
  const { api, kubectl } = stage;
  const watched = {
    api,
    path: '/apis/rbac.authorization.k8s.io/v1/namespaces/team-a/rolebindings',
    name: BINDING,
    isRight: () => true,
  };
  say("\nTeam A's grant:");
  return told(stage, 'the grant is there again', () =>
    healingOf(watched, () => kubectl('delete', 'rolebinding', BINDING, '-n', 'team-a')),
  );
}

function redirectElsewhere(stage: Stage): Promise<void> {
  const { environment, realm } = stage;
  const { admin } = environment.keycloak;
  const elsewhere = 'https://elsewhere.example.net/*';
  const client = () => admin.client(realm, 'argo-workflows');
  say(`\nIn Keycloak, redirect URI ${elsewhere} for client argo-workflows, where codes could be caught:`);
  return told(stage, `the client redirects to ${REDIRECT} again`, async () => {
    await admin.updateClient(realm, String((await client())?.id), { redirectUris: [elsewhere] });
    const started = performance.now();
    await eventually(
      'the redirect URI heals',
      async () => String((await client())?.redirectUris) === REDIRECT,
      DEADLINE_MS,
      LOOK_MS,
    );
    return performance.now() - started;
  });
}

/** Damage by hand, one after the other; each fails where the operator does not mend it. */
export function damages(stage: Stage): readonly (() => Promise<void>)[] {
  return [() => widenRule(stage), () => deleteBinding(stage), () => redirectElsewhere(stage)];
}
