import { spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { cached, hashFolder, hashText } from './cache.ts';
import { freePort, type Running, run, start, untilReady } from './process.ts';

const KUBERNETES_VERSION = 'v1.37.2';
const SOURCE = join(import.meta.dirname, 'cluster');
const START_DEADLINE = 90_000;

/** What a command of kubectl gave. */
export interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A Kubernetes API server with the controllers that matter here. */
export interface Kubernetes {
  readonly url: string;
  /** Certificate of the server, PEM. */
  readonly ca: string;
  readonly adminToken: string;
  readonly kubeconfigPath: string;
  /** Certificate and key of the server, for a proxy that stands before it. */
  readonly tls: { readonly certPath: string; readonly keyPath: string };
  readonly auditLogPath: string;
  readonly kubectlPath: string;
  readonly kubectl: (args: readonly string[], input?: string) => Promise<KubectlResult>;
  readonly stopApiServer: () => Promise<void>;
  readonly startApiServer: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** A kubeconfig with one cluster and one user. */
export function kubeconfig(server: string, ca: string, token: string, namespace = 'default'): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'c', cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } },
    ],
    users: [{ name: 'u', user: { token } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace } }],
    'current-context': 'x',
  });
}

/** The control plane's binary, built once from the Go module beside this file. */
export async function clusterBinary(say: (line: string) => void): Promise<string> {
  const folder = await cached(
    'cluster',
    await hashFolder(SOURCE),
    async target => {
      const version = 'k8s.io/component-base/version';
      const [major, minor] = KUBERNETES_VERSION.slice(1).split('.');
      const flags = [
        '-s -w',
        `-X ${version}.gitVersion=${KUBERNETES_VERSION}`,
        `-X ${version}.gitMajor=${major} -X ${version}.gitMinor=${minor}`,
      ].join(' ');
      await run('go', ['build', '-trimpath', '-ldflags', flags, '-o', join(target, 'cluster'), '.'], {
        cwd: SOURCE,
        env: { ...process.env, CGO_ENABLED: '0' },
      });
    },
    say,
  );
  return join(folder, 'cluster');
}

/**
 * Programs in Go spare the processor: they clean up less often than by themselves, and make no keys against quantum
 * computers for each of the thousands of connections.
 */
const GO_ENV = { GOGC: '400', GODEBUG: 'tlsmlkem=0' };

/** Runs kubectl with a kubeconfig; a non-zero exit is a result, not an error. */
export function runKubectl(
  binary: string,
  config: string,
  args: readonly string[],
  input: string | undefined,
): Promise<KubectlResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, ['kubectl', '--kubeconfig', config, ...args], {
      env: { ...process.env, ...GO_ENV, KUBERC: 'off' },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', chunk => {
      stdout += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', chunk => {
      stderr += chunk;
    });
    child.once('error', reject);
    child.once('close', code => resolve({ code: code ?? 1, stdout, stderr }));
    // kubectl may end before it has read its input; its exit code and what it says tell why.
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
  });
}

/**
 * Makes `cert.pem` and `key.pem` for a server on this machine. The API server would make an RSA key by itself: each
 * of the thousands of connections that tests open, watches above all, would cost a signature with it.
 */
async function writeCertificate(folder: string, say: (line: string) => void): Promise<void> {
  const source = join(
    (await run('go', ['env', 'GOROOT'])).trim(),
    'src',
    'crypto',
    'tls',
    'generate_cert.go',
  );
  const program = await cached(
    'certificates',
    hashText(await readFile(source, 'utf8')),
    async target => {
      await run('go', ['build', '-o', join(target, 'generate-cert'), source]);
    },
    say,
  );
  const args = ['--host=127.0.0.1,localhost', '--ecdsa-curve=P256', '--ca'];
  await run(join(program, 'generate-cert'), args, { cwd: folder });
}

async function writeSecrets(folder: string, adminToken: string): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  await writeFile(join(folder, 'sa.key'), privateKey, { mode: 0o600 });
  await writeFile(join(folder, 'sa.pub'), publicKey);
  await writeFile(join(folder, 'tokens.csv'), `${adminToken},admin,admin,"system:masters"\n`, {
    mode: 0o600,
  });
  await writeFile(
    join(folder, 'audit.yaml'),
    stringify({
      apiVersion: 'audit.k8s.io/v1',
      kind: 'Policy',
      omitStages: ['RequestReceived'],
      rules: [{ level: 'Metadata' }],
    }),
  );
}

function apiServerArgs(folder: string, port: number, etcd: string): readonly string[] {
  const file = (name: string) => join(folder, name);
  return [
    `--etcd-servers=${etcd}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    `--tls-cert-file=${file('cert.pem')}`,
    `--tls-private-key-file=${file('key.pem')}`,
    `--token-auth-file=${file('tokens.csv')}`,
    '--authorization-mode=RBAC',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${file('sa.pub')}`,
    `--service-account-signing-key-file=${file('sa.key')}`,
    '--service-cluster-ip-range=10.0.0.0/24',
    '--endpoint-reconciler-type=none',
    '--max-requests-inflight=0',
    '--max-mutating-requests-inflight=0',
    '--enable-priority-and-fairness=false',
    '--shutdown-delay-duration=0s',
    '--shutdown-watch-termination-grace-period=0s',
    `--audit-policy-file=${file('audit.yaml')}`,
    `--audit-log-path=${file('audit.log')}`,
    '--audit-log-mode=blocking',
    '--v=0',
  ];
}

/** The status code of a GET at the API server; undefined where nobody answers. */
function probe(
  port: number,
  path: string,
  token: string,
  ca: string | undefined,
): Promise<number | undefined> {
  return new Promise(resolve => {
    const query = request(
      {
        host: '127.0.0.1',
        port,
        path,
        agent: false,
        headers: { authorization: `Bearer ${token}` },
        ...(ca === undefined ? {} : { ca }),
      },
      response => {
        response.resume();
        resolve(response.statusCode);
      },
    );
    query.on('error', () => resolve(undefined));
    query.end();
  });
}

/** Starts etcd, kube-apiserver and the controllers on free ports, with everything they write below a folder. */
export async function startKubernetes(base: string, say: (line: string) => void): Promise<Kubernetes> {
  const binary = await clusterBinary(say);
  const folder = join(base, 'kubernetes');
  await mkdir(folder, { recursive: true });
  const adminToken = randomBytes(16).toString('hex');
  await Promise.all([writeSecrets(folder, adminToken), writeCertificate(folder, say)]);
  const [client, peer, port] = [await freePort(), await freePort(), await freePort()];
  const etcdUrl = `http://127.0.0.1:${client}`;
  const env = { ...process.env, ...GO_ENV };
  const etcd = start(
    binary,
    [
      'etcd',
      `--data-dir=${join(folder, 'etcd')}`,
      `--client-url=${etcdUrl}`,
      `--peer-url=http://127.0.0.1:${peer}`,
    ],
    { logPath: join(folder, 'etcd.log'), env },
  );
  const certPath = join(folder, 'cert.pem');
  let apiServer: Running | undefined;
  const startApiServer = async () => {
    const server = start(binary, ['apiserver', ...apiServerArgs(folder, port, etcdUrl)], {
      logPath: join(folder, 'apiserver.log'),
      env,
    });
    apiServer = server;
    await untilReady(
      'the API server is ready',
      server,
      async () => {
        const ca = await readFile(certPath, 'utf8').catch(() => undefined);
        return ca !== undefined && (await probe(port, '/readyz', adminToken, ca)) === 200;
      },
      START_DEADLINE,
    );
  };
  await startApiServer();
  const url = `https://127.0.0.1:${port}`;
  const ca = await readFile(certPath, 'utf8');
  const kubeconfigPath = join(folder, 'kubeconfig');
  await writeFile(kubeconfigPath, kubeconfig(url, ca, adminToken), { mode: 0o600 });
  const controllers = start(
    binary,
    [
      'controllers',
      `--kubeconfig=${kubeconfigPath}`,
      `--service-account-private-key-file=${join(folder, 'sa.key')}`,
      `--root-ca-file=${certPath}`,
    ],
    { logPath: join(folder, 'controllers.log'), env },
  );
  return {
    url,
    ca,
    adminToken,
    kubeconfigPath,
    tls: { certPath, keyPath: join(folder, 'key.pem') },
    auditLogPath: join(folder, 'audit.log'),
    kubectlPath: binary,
    kubectl: (args, input) => runKubectl(binary, kubeconfigPath, args, input),
    stopApiServer: async () => apiServer?.stop(),
    startApiServer,
    stop: async () => {
      await Promise.all([controllers.stop(), apiServer?.stop()]);
      await etcd.stop();
    },
  };
}
