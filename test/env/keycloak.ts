import { randomBytes } from 'node:crypto';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cached, hashText } from './cache.ts';
import { KeycloakAdmin } from './keycloak-admin.ts';
import { freePort, run, start, untilReady } from './process.ts';

const VERSION = '26.7.4';
const FEATURES = 'client-secret-rotation';
const ADMIN = 'admin';
const START_DEADLINE = 180_000;

/** A Keycloak server with its administrator. */
export interface Keycloak {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly admin: KeycloakAdmin;
  readonly logPath: string;
  readonly stop: () => Promise<void>;
}

/** The server's folder: from its Maven Central zip, built once with the features that are needed. */
export async function keycloakHome(say: (line: string) => void): Promise<string> {
  const folder = await cached(
    'keycloak',
    hashText(VERSION, FEATURES, 'dev-file'),
    async target => {
      const artifact = `org.keycloak:keycloak-quarkus-dist:${VERSION}:zip`;
      await run('mvn', [
        '-B',
        '-q',
        'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy',
        `-Dartifact=${artifact}`,
        `-DoutputDirectory=${target}`,
      ]);
      const zip = join(target, `keycloak-quarkus-dist-${VERSION}.zip`);
      await run('jar', ['xf', zip], { cwd: target });
      await rm(zip);
      const script = join(target, `keycloak-${VERSION}`, 'bin', 'kc.sh');
      await chmod(script, 0o755);
      await run(script, ['build', '--db=dev-file', `--features=${FEATURES}`]);
    },
    say,
  );
  return join(folder, `keycloak-${VERSION}`);
}

/** Ends the server when this process is gone: a pipe to its parent closes. */
const SUPERVISOR = `
const { spawn } = require('node:child_process');
const [command, ...args] = process.argv.slice(1);
const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
const end = () => child.kill('SIGKILL');
process.stdin.on('end', end).on('error', end).resume();
process.on('SIGTERM', end);
child.on('exit', () => process.exit(0));
`;

function javaArgs(home: string, data: string, port: number, management: number): readonly string[] {
  const opens = ['util', 'util.concurrent', 'security', 'lang'];
  return [
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-Xms256m',
    '-Xmx1536m',
    '-Dfile.encoding=UTF-8',
    ...opens.map(name => `--add-opens=java.base/java.${name}=ALL-UNNAMED`),
    '-Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory',
    `-Dkc.home.dir=${home}`,
    '-Dkc.config.built=true',
    '-Djava.util.logging.manager=org.jboss.logmanager.LogManager',
    `-Djava.io.tmpdir=${data}`,
    '-cp',
    join(home, 'lib', 'quarkus-run.jar'),
    'io.quarkus.bootstrap.runner.QuarkusEntryPoint',
    'start',
    '--optimized',
    '--http-enabled=true',
    '--http-host=127.0.0.1',
    `--http-port=${port}`,
    `--http-management-port=${management}`,
    '--hostname-strict=false',
    '--cache=local',
    `--db-url=jdbc:h2:file:${join(data, 'keycloakdb')};NON_KEYWORDS=VALUE`,
  ];
}

/** Starts Keycloak on a free port with an empty database below a folder. */
export async function startKeycloak(base: string, say: (line: string) => void): Promise<Keycloak> {
  const home = await keycloakHome(say);
  const folder = join(base, 'keycloak');
  await mkdir(folder, { recursive: true });
  const [port, management] = [await freePort(), await freePort()];
  const password = randomBytes(12).toString('hex');
  const logPath = join(folder, 'keycloak.log');
  const server = start(
    process.execPath,
    ['-e', SUPERVISOR, 'java', ...javaArgs(home, folder, port, management)],
    {
      logPath,
      startsOthers: true,
      env: { ...process.env, KC_BOOTSTRAP_ADMIN_USERNAME: ADMIN, KC_BOOTSTRAP_ADMIN_PASSWORD: password },
    },
  );
  const url = `http://127.0.0.1:${port}`;
  const answers = async () => (await fetch(`${url}/realms/master`)).ok;
  await untilReady('Keycloak is ready', server, answers, START_DEADLINE);
  const admin = new KeycloakAdmin(url, ADMIN, password);
  await admin.sparePasswords();
  return {
    url,
    username: ADMIN,
    password,
    admin,
    logPath,
    stop: server.stop,
  };
}
