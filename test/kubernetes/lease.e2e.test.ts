import { readFile } from 'node:fs/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKubernetesClient, type KubernetesClient } from '../../operator/kubernetes/client.ts';
import { type Election, startElection } from '../../operator/kubernetes/lease.ts';
import type { Lease } from '../../operator/kubernetes/lease-record.ts';
import { STEADY_CLOCK } from '../../operator/kubernetes/lease-term.ts';
import { eventually } from '../env/process.ts';
import { type FaultProxy, startProxy } from '../env/proxy.ts';
import { type SharedEnvironment, sharedEnvironment, uniqueName } from '../env/shared.ts';
import { type Folder, makeFolder } from './kubeconfigs.ts';

const MINUTES_5 = 300_000;
/** Longest time for a leader to be there, also on a busy machine. */
const LEAD_DEADLINE = 120_000;
const namespace = uniqueName('lease');
const RELEASED = { holderIdentity: '', leaseDurationSeconds: 1, leaseTransitions: 6 };

let env: SharedEnvironment['kubernetes'];
/** Reads Leases again and again, which kubectl would take a tenth of a second of a processor for. */
let admin: KubernetesClient;
let folder: Folder;
const cleanUp: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  env = (await sharedEnvironment()).kubernetes;
  admin = createKubernetesClient({ kubeconfigPath: env.kubeconfigPath, userAgent: 'administrator' });
  folder = await makeFolder();
  await kubectl(['create', 'namespace', namespace]);
});

afterAll(async () => {
  for (const step of cleanUp.toReversed()) await step();
  await kubectl(['delete', 'namespace', namespace, '--wait=false']);
  await admin.close();
  await folder.remove();
});

async function kubectl(args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await env.kubectl(args, input);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

async function readLease(name: string): Promise<Lease & { readonly metadata: object }> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${name}`;
  const found = await admin.request({ method: 'GET', path, signal: AbortSignal.timeout(MINUTES_5) });
  return found as Lease & { readonly metadata: object };
}

async function patchLease(name: string, patch: object): Promise<void> {
  await kubectl(['patch', 'lease', name, '-n', namespace, '--type=merge', '-p', JSON.stringify(patch)]);
}

/** One who takes part, behind a proxy of its own. */
interface Candidate {
  readonly name: string;
  readonly election: Election;
  readonly proxy: FaultProxy;
  readonly log: readonly { readonly level: number; readonly reason?: string; readonly msg: string }[];
}

/** An election, and what all who take part were told, in order. */
interface Stage {
  readonly lease: string;
  readonly story: readonly string[];
  readonly join: (
    name: string,
    options?: { readonly ahead?: number; readonly token?: string },
  ) => Promise<Candidate>;
  readonly leaders: () => readonly string[];
  /** Waits until somebody leads. */
  readonly led: () => Promise<string>;
}

/** Sets up an election; the Lease is there and let go, as an operator that ended leaves it, unless told otherwise. */
async function stage({ spec = RELEASED }: { readonly spec?: object | null } = {}): Promise<Stage> {
  const lease = uniqueName('election');
  if (spec !== null) {
    const body = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: lease, namespace },
      spec,
    };
    await kubectl(['create', '-f', '-'], JSON.stringify(body));
  }
  const candidates: Candidate[] = [];
  const story: string[] = [];
  const leaders = () => candidates.filter(({ election }) => election.isLeader()).map(({ name }) => name);
  const tell = (line: string) => {
    story.push(line);
    expect(leaders().length, story.join(', ')).toBeLessThanOrEqual(1);
  };
  return {
    lease,
    story,
    leaders,
    led: () => eventually('somebody leads', async () => leaders()[0], LEAD_DEADLINE),
    join: async (name, { ahead = 0, token = env.adminToken } = {}) => {
      const [cert, key] = await Promise.all([
        readFile(env.tls.certPath, 'utf8'),
        readFile(env.tls.keyPath, 'utf8'),
      ]);
      const proxy = await startProxy({ target: env.url, tls: { cert, key, ca: env.ca } });
      const cluster = {
        server: proxy.url,
        'certificate-authority-data': Buffer.from(env.ca).toString('base64'),
      };
      const client = createKubernetesClient({ kubeconfigPath: await folder.kubeconfig(cluster, { token }) });
      const log: Candidate['log'][number][] = [];
      const election = startElection({
        client,
        namespace,
        name: lease,
        identity: name,
        clock: { ...STEADY_CLOCK, now: () => Date.now() + ahead },
        log: pino({ base: null }, { write: line => log.push(JSON.parse(line)) }),
        onLead: () => tell(`${name} leads`),
        onLost: () => tell(`${name} no longer leads`),
      });
      cleanUp.push(proxy.close, client.close, election.stop, proxy.heal);
      const candidate = { name, election, proxy, log };
      candidates.push(candidate);
      return candidate;
    },
  };
}

/** A Role with what an election needs, and its binding to an account. */
function rightsTo(lease: string, account: string): object {
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const metadata = { name: account, namespace };
  const leases = { apiGroups: ['coordination.k8s.io'], resources: ['leases'] };
  const role = {
    apiVersion,
    kind: 'Role',
    metadata,
    rules: [
      { ...leases, verbs: ['create'] },
      { ...leases, resourceNames: [lease], verbs: ['get', 'update'] },
    ],
  };
  const binding = {
    apiVersion,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: account },
    subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
  };
  return { apiVersion: 'v1', kind: 'List', items: [role, binding] };
}

describe.concurrent('an election on a real API server', { timeout: 300_000 }, () => {
  it('has one leader among two that begin at once where there is no Lease', async () => {
    const { lease, story, join, led } = await stage({ spec: null });
    const [a, b] = await Promise.all([join('a'), join('b')]);
    const leader = await led();
    expect(story).toEqual([`${leader} leads`]);
    const created = [...a.proxy.requests, ...b.proxy.requests].filter(({ method }) => method === 'POST');
    expect(created.filter(({ status }) => status === 201)).toHaveLength(1);
    const { spec } = await readLease(lease);
    expect(spec).toMatchObject({ holderIdentity: leader, leaseDurationSeconds: 15, leaseTransitions: 1 });
  });

  it.for([
    ['refused', MINUTES_5, { kind: 'refuse' }],
    ['refused', -MINUTES_5, { kind: 'refuse' }],
    ['left without an answer', MINUTES_5, { kind: 'hang' }],
    ['left without an answer', -MINUTES_5, { kind: 'hang' }],
  ] as const)(
    'is over for a leader whose requests are %s before another begins; its clock is off by %i ms',
    async ([, skew, fault]) => {
      const { lease, story, join, led, leaders } = await stage();
      const a = await join('a', { ahead: skew });
      await led();
      const b = await join('b', { ahead: -skew });
      await eventually('b has looked', async () => b.proxy.requests.some(({ status }) => status === 200));
      await a.proxy.fail(fault);
      await eventually('b leads', async () => b.election.isLeader(), LEAD_DEADLINE);
      expect(story).toEqual(['a leads', 'a no longer leads', 'b leads']);
      expect(leaders()).toEqual(['b']);
      expect(a.log.map(({ msg }) => msg)).toContain('no longer leads: not renewed within 10 s');
      expect((await readLease(lease)).spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 8 });
      await a.proxy.heal();
      await eventually('a looks on', async () => a.log.at(-1)?.msg === 'the Lease is reached again');
      expect(leaders()).toEqual(['b']);
    },
  );

  it('goes on with another at its next look once the leader has stopped', async () => {
    const { lease, story, join, led } = await stage();
    const a = await join('a');
    await led();
    await patchLease(lease, { metadata: { labels: { team: 'x' } } });
    const b = await join('b');
    await eventually('b has looked', async () => b.proxy.requests.some(({ status }) => status === 200));
    await a.election.stop();
    const { metadata, spec } = await readLease(lease);
    expect(metadata).toMatchObject({ labels: { team: 'x' } });
    b.proxy.reset();
    expect(['', 'b']).toContain(spec?.holderIdentity);
    await led();
    // One look may have been under way.
    const methods = b.proxy.requests.map(({ method }) => method).join(' ');
    expect(methods).toMatch(/^(GET )?(GET )?(PUT)?( |$)/);
    expect(story).toEqual(['a leads', 'a no longer leads', 'b leads']);
  });

  it.for([
    ['delete', async (lease: string) => kubectl(['delete', 'lease', lease, '-n', namespace])],
    ['unhold', async (lease: string) => patchLease(lease, { spec: { holderIdentity: '' } })],
    ['unhold', async (lease: string) => patchLease(lease, { spec: { holderIdentity: null } })],
    ['wipe', async (lease: string) => patchLease(lease, { spec: null })],
    ['rename', async (lease: string) => patchLease(lease, { spec: { holderIdentity: 'somebody' } })],
    ['give', async (lease: string) => patchLease(lease, { spec: { holderIdentity: 'b' } })],
  ] as const)('has one leader again after a hand edit of the Lease: %s', async ([, edit]) => {
    const { lease, story, join, led, leaders } = await stage();
    await join('a');
    await led();
    const b = await join('b');
    await eventually('b has looked', async () => b.proxy.requests.some(({ status }) => status === 200));
    await edit(lease);
    const holder = await eventually(
      'the Lease names who leads',
      async () => {
        const { spec } = await readLease(lease);
        return leaders()[0] === spec?.holderIdentity && spec?.holderIdentity;
      },
      LEAD_DEADLINE,
    );
    expect(leaders()).toEqual([holder]);
    expect(story.filter((line, index) => line.endsWith('no longer leads') !== (index % 2 === 1))).toEqual([]);
  });

  it('says once that the Lease is forbidden, and takes part with the rights to make, read and update it', async () => {
    const { lease, join, led } = await stage({ spec: null });
    const account = uniqueName('account');
    await kubectl(['create', 'serviceaccount', account, '-n', namespace]);
    const token = (await kubectl(['create', 'token', account, '-n', namespace])).trim();
    const a = await join('a', { token });
    const refusals = () => a.proxy.requests.filter(({ status }) => status === 403).length;
    await eventually('several looks are refused', async () => refusals() >= 3);
    expect(a.log.map(({ level, reason }) => [level, reason])).toEqual([[40, 'Forbidden']]);
    await kubectl(['create', '-f', '-'], JSON.stringify(rightsTo(lease, account)));
    expect(await led()).toBe('a');
    await a.election.stop();
    expect((await readLease(lease)).spec).toMatchObject({ holderIdentity: '', leaseTransitions: 1 });
    expect(a.log.map(({ msg }) => msg).slice(1)).toEqual([
      'the Lease is reached again',
      'leads',
      'no longer leads: stopped',
    ]);
  });
});
