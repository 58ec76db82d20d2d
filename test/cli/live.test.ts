import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { inCluster } from '../../operator/cli/live/cluster.ts';
import { inOrder } from '../../operator/cli/live/events.ts';
import { untilInterrupted } from '../../operator/cli/live/interrupt.ts';
import { chooseCluster } from '../../operator/cli/live/kubeconfig.ts';
import { clean, hanging, table } from '../../operator/cli/live/layout.ts';
import { readPolicies, readPolicy } from '../../operator/cli/live/policies.ts';
import { distance, span } from '../../operator/cli/live/time.ts';
import { timeoutMs, waitFor } from '../../operator/cli/live/wait.ts';
import { type Folder, makeFolder } from '../kubernetes/kubeconfigs.ts';
import { reply, type ScriptedServer, startScriptedServer } from '../kubernetes/scripted-server.ts';
import { argoAccess } from './command-line.ts';

const SPEC = { roles: [{ name: 'viewer', everyone: true }] };
const { signal } = new AbortController();
const TERMINAL = {};

let folder: Folder;
beforeEach(async () => {
  folder = await makeFolder();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await folder.remove();
});

/** A kubeconfig with contexts of these names, each with a server of its own. */
function kubeconfigOf(names: readonly string[], current?: string) {
  return JSON.stringify({
    clusters: names.map(name => ({ name, cluster: { server: `https://${name}.example.com` } })),
    users: names.map(name => ({ name, user: { token: `token-of-${name}` } })),
    contexts: names.map(name => ({ name, context: { cluster: name, user: name, namespace: `ns-${name}` } })),
    ...(current !== undefined && { 'current-context': current }),
  });
}

describe('the choice of a cluster', () => {
  it('is the current context, or the one that is named', async () => {
    const kubeconfig = await folder.write('config', kubeconfigOf(['a', 'b'], 'a'));
    expect(chooseCluster({ kubeconfig }).place).toEqual({
      kubeconfig,
      context: 'a',
      server: 'https://a.example.com',
      namespace: 'ns-a',
      kubectlFlags: ` --kubeconfig ${kubeconfig}`,
    });
    const { place, config } = chooseCluster({ kubeconfig, context: 'b' });
    expect(place).toMatchObject({ context: 'b', server: 'https://b.example.com', namespace: 'ns-b' });
    expect(place.kubectlFlags).toBe(` --kubeconfig ${kubeconfig} --context b`);
    const spaced = await folder.write('my config', kubeconfigOf(['a'], 'a'));
    expect(chooseCluster({ kubeconfig: spaced }).place.kubectlFlags).toBe(` --kubeconfig '${spaced}'`);
    expect(config.getCurrentUser()?.token).toBe('token-of-b');
  });

  it('merges the files of KUBECONFIG as kubectl does: what is there first counts, what is missing does not', async () => {
    const first = await folder.write('first', kubeconfigOf(['a'], undefined));
    const second = await folder.write(
      'second',
      kubeconfigOf(['a', 'b'], 'b').replaceAll('token-of-a', 'other'),
    );
    vi.stubEnv('KUBECONFIG', [folder.path('missing'), first, second].join(':'));
    expect(chooseCluster({}).place).toMatchObject({ context: 'b', kubeconfig: `${first}:${second}` });
    expect(chooseCluster({ context: 'a' }).config.getCurrentUser()?.token).toBe('token-of-a');
  });

  it('is told where there is none', async () => {
    const kubeconfig = await folder.write('config', kubeconfigOf(['a', 'b']));
    expect(() => chooseCluster({ kubeconfig })).toThrow(
      `no context is chosen in ${kubeconfig}; choose one by --context (it has a, b)`,
    );
    expect(() => chooseCluster({ kubeconfig, context: 'c' })).toThrow(
      `there is no context c in ${kubeconfig}; choose one by --context (it has a, b)`,
    );
    expect(() => chooseCluster({ kubeconfig: folder.path('none') })).toThrow(
      `kubeconfig ${folder.path('none')} cannot be read (ENOENT); correct it, or name another by --kubeconfig`,
    );
    const garbage = await folder.write('garbage', '}{');
    expect(() => chooseCluster({ kubeconfig: garbage })).toThrow('cannot be read (it is no kubeconfig)');
    vi.stubEnv('KUBECONFIG', folder.path('none'));
    expect(() => chooseCluster({})).toThrow(
      `there is no kubeconfig: KUBECONFIG names ${folder.path('none')}; name one by --kubeconfig`,
    );
  });

  it('is refused where nothing would be encrypted', async () => {
    const text = kubeconfigOf(['a'], 'a').replace('https:', 'http:');
    const kubeconfig = await folder.write('config', text);
    expect(() => chooseCluster({ kubeconfig })).toThrow(
      `context a of ${kubeconfig}: server http://a.example.com is not reached by HTTPS, and so not spoken to`,
    );
  });
});

describe('what the cluster does not do', () => {
  let server: ScriptedServer;
  beforeEach(async () => {
    server = await startScriptedServer();
  });
  afterEach(() => server.close());

  async function options(user: object = { token: 't' }, address = server.url) {
    return { kubeconfig: await folder.kubeconfig({ server: address, ...SKIP }, user), namespace: 'argo' };
  }
  const SKIP = { 'insecure-skip-tls-verify': true };
  const status = (code: number, reason: string, message: string) =>
    reply(code, { kind: 'Status', code, reason, message });

  it('is told as no answer, with the place and the reason', async () => {
    await server.close();
    const chosen = await options();
    await expect(inCluster(chosen, TERMINAL, cluster => readPolicies(cluster))).rejects.toMatchObject({
      exitCode: 2,
      message:
        `the cluster ${server.url} (context x of ${chosen.kubeconfig}) cannot be reached: nothing listens there ` +
        '(ECONNREFUSED); see whether it runs and whether this machine may reach it, or choose another by --context or --kubeconfig',
    });
    server = await startScriptedServer();
  });

  it('is told as credentials that are refused', async () => {
    server.answer(status(401, 'Unauthorized', 'Unauthorized'));
    const chosen = await options();
    await expect(inCluster(chosen, TERMINAL, cluster => readPolicies(cluster))).rejects.toThrow(
      `the cluster ${server.url} (context x of ${chosen.kubeconfig}) refuses the credentials of that context; sign in again`,
    );
  });

  it('is told as credentials that a plugin does not give, in its own words', async () => {
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: ['--eval', 'console.error("your session has ended, sign in anew"); process.exit(1)'],
      interactiveMode: 'Never',
    };
    const chosen = await options({ exec });
    await expect(inCluster(chosen, TERMINAL, cluster => readPolicies(cluster))).rejects.toThrow(
      /^the credentials for the cluster .* cannot be had: your session has ended, sign in anew; sign in again/,
    );
  });

  it('is told as a right that is missing, with the line that shows it', async () => {
    const message =
      'argoaccesspolicies.argo-access.io is forbidden: User "jane" cannot list resource "argoaccesspolicies" in API group "argo-access.io" in the namespace "argo"';
    server.answer(status(403, 'Forbidden', message), status(403, 'Forbidden', message));
    const chosen = await options();
    await expect(inCluster(chosen, TERMINAL, cluster => readPolicies(cluster))).rejects.toThrow(
      'you (jane) may not list argoaccesspolicies.argo-access.io in namespace argo; ask for that right: `kubectl auth ' +
        `can-i list argoaccesspolicies.argo-access.io -n argo --kubeconfig ${chosen.kubeconfig}\` tells whether you have it`,
    );
    await expect(
      inCluster({ ...chosen, allNamespaces: true }, TERMINAL, cluster => readPolicies(cluster)),
    ).rejects.toThrow('may not list argoaccesspolicies.argo-access.io in all namespaces; ask for that right');
  });

  it('is told as a CRD that is not installed', async () => {
    server.answer(reply(404, '404 page not found\n'), reply(404, '404 page not found\n'));
    server.answer(reply(404, '404 page not found\n'));
    const chosen = await options();
    const told = `the cluster ${server.url} (context x) does not know ArgoAccessPolicies; apply crds/ of the operator there`;
    await expect(inCluster(chosen, TERMINAL, cluster => readPolicies(cluster))).rejects.toThrow(told);
    await expect(inCluster(chosen, TERMINAL, cluster => readPolicy(cluster, 'a'))).rejects.toThrow(told);
  });

  it('is read page by page', async () => {
    const item = (name: string) => ({ metadata: { name, namespace: 'argo' }, spec: { roles: [] } });
    server.answer(
      reply(200, { metadata: { continue: 'c1' }, items: [item('b')] }),
      reply(200, { metadata: {}, items: [item('a')] }),
    );
    const found = await inCluster(await options(), TERMINAL, cluster => readPolicies(cluster));
    expect(found.map(({ metadata }) => metadata.name)).toEqual(['a', 'b']);
    expect(found[0]?.invalid).toMatch(/^spec\.roles: /);
    expect(server.requests[1]).toMatch(/\?limit=500&continue=c1$/);
  });

  it.each([
    [['status', '-n', ''], '"" can be no namespace'],
    [['status', '-n', 'a/../..'], '"a/../.." can be no namespace'],
    [['status', '', '-n', 'argo'], '"" can be no name'],
    [['suspend', '..', '-n', 'argo'], '".." can be no name'],
    [['explain', '--groups', 'a', '-n', 'argo', '--resource-namespace', 'B'], '"B" can be no namespace'],
  ])('is asked only about what can be there: %j', async (args, told) => {
    const { kubeconfig } = await options();
    const { code, err } = await argoAccess([...args, '--kubeconfig', kubeconfig]);
    expect({ code, err }).toEqual({ code: 2, err: `${told}; correct it\n` });
  });

  it('is told beside the rest where it is only the events', async () => {
    const policy = { metadata: { name: 'a', namespace: 'argo', uid: 'u' }, spec: SPEC };
    server.answer(reply(200, policy), status(403, 'Forbidden', 'events is forbidden: User "jane" cannot'));
    const { kubeconfig } = await options();
    const { code, out, err } = await argoAccess(['status', 'a', '-n', 'argo', '--kubeconfig', kubeconfig]);
    expect(code).toBe(1);
    expect(out).toMatch(/^argo\/a {2}\? not looked at yet\n/);
    expect(out).not.toContain('Events');
    expect(err).toMatch(/^events are not shown: you \(jane\) may not list events in namespace argo; /);
  });

  it('ends a command with a message that says nothing to the terminal', async () => {
    const args = ['status', '--kubeconfig', folder.path('a\u001b[31m')];
    expect((await argoAccess(args)).err).toMatch(/^kubeconfig \S+\/a \[31m cannot be read/);
  });

  it('ends a command with its exit code and its message', async () => {
    server.answer(status(401, 'Unauthorized', 'Unauthorized'));
    const { kubeconfig } = await options();
    const { code, out, err } = await argoAccess(['status', '-n', 'argo', '--kubeconfig', kubeconfig]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/refuses the credentials of that context; .*\n$/);
  });
});

describe('a wait', () => {
  it('ends with Ctrl-C, and by it only with exit code 130', async () => {
    const interrupt = new AbortController();
    const listeners = process.listenerCount('SIGINT');
    const ended = untilInterrupted({ interrupt: interrupt.signal }, abort =>
      waitFor(60_000, abort, async () => undefined),
    );
    interrupt.abort();
    await expect(ended).rejects.toMatchObject({ exitCode: 130, message: 'interrupted' });
    expect(process.listenerCount('SIGINT')).toBe(listeners);
  });

  it('ends with Ctrl-C also where nothing knows of it', async () => {
    const interrupt = new AbortController();
    const ended = untilInterrupted({ interrupt: interrupt.signal }, () => new Promise(() => {}));
    interrupt.abort();
    await expect(ended).rejects.toMatchObject({ exitCode: 130 });
  });

  it('has a last look at its end', async () => {
    const rounds: boolean[] = [];
    const result = await waitFor(1, signal, async ({ isLast }) => {
      rounds.push(isLast);
      return isLast ? 'over' : undefined;
    });
    expect(result).toBe('over');
    expect(rounds.at(-1)).toBe(true);
  });

  it('has it at once where a look has lasted until then', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    const looks: number[] = [];
    await waitFor(5, signal, async ({ isLast }) => {
      looks.push(Date.now());
      while (Date.now() < (looks[0] ?? 0) + 20);
      return isLast || undefined;
    });
    await new Promise(resolve => setImmediate(resolve));
    process.off('warning', note);
    expect({ looks: looks.length, warnings }).toEqual({ looks: 2, warnings: [] });
  });

  it.each(['', '5', 'soon', '0s', '-5m'])('of %o is refused', text => {
    expect(() => timeoutMs(text)).toThrow(`--timeout ${text}: must be a duration such as 90s or 5m`);
  });
});

describe('a text on a terminal', () => {
  it('is wrapped below its own beginning, and no word is split', () => {
    expect(hanging('Server  ', 'a rather long name-that-is-not-split-anywhere here', 32)).toBe(
      'Server  a rather long\n        name-that-is-not-split-anywhere\n        here',
    );
    expect(hanging('Server  ', 'a rather long line', undefined)).toBe('Server  a rather long line');
  });

  it('stands in columns, whatever their styles', () => {
    expect(table([['a', '\u001b[31mred\u001b[39m', 'x'], ['bcd', '1', 'y'], ['e']])).toEqual([
      'a    \u001b[31mred\u001b[39m  x',
      'bcd  1    y',
      'e',
    ]);
  });

  it('cannot steer it', () => {
    expect(clean('a\u001b[2J\nb ')).toBe('a [2J b');
    expect(clean('/a\u202esnimda')).toBe('/a\\u202esnimda');
  });

  it.each([
    [45_000, '45s'],
    [12 * 60_000, '12m'],
    [5.5 * 3_600_000, '5h30m'],
    [76 * 3_600_000, '3d4h'],
    [40 * 86_400_000, '40d'],
  ])('says %i milliseconds as %s', (ms, text) => {
    expect(span(ms)).toBe(text);
    expect(distance(0, ms)).toBe(`${text} ago`);
    expect(distance(ms, 0)).toBe(`in ${text}`);
  });
});

describe('events', () => {
  it('of one second come in the order of their names, and of all kinds of times', () => {
    const time = '2026-03-01T12:00:00Z';
    const raw = [
      { metadata: { name: 'p.2' }, lastTimestamp: time, reason: 'Second' },
      { metadata: { name: 'p.1' }, lastTimestamp: time, reason: 'First', count: 2 },
      {
        metadata: { name: 'p.0' },
        eventTime: '2026-03-01T12:00:01.5Z',
        lastTimestamp: null,
        reason: 'Third',
      },
    ];
    expect(inOrder(raw).map(({ reason, count }) => `${reason} ${count}`)).toEqual([
      'First 2',
      'Second 1',
      'Third 1',
    ]);
  });
});
