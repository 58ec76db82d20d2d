import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type ConnectionConfig, parseConfig, readCa, readCredentials } from '../../operator/config.ts';

const VARIABLE = 'ARGO_ACCESS_TEST_CLIENT_SECRET';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'argo-access-config-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

function connection(field: string): ConnectionConfig {
  const text = `
instanceId: a
connections:
  - { name: default, url: https://keycloak.example.com, realm: platform, clientId: operator, ${field} }`;
  const [found] = parseConfig(text, join(folder, 'config.yaml')).connections;
  if (found === undefined) throw new Error('no connection');
  return found;
}

describe("the secret of the operator's own client", () => {
  it.each([
    ['as it is', 's3cret', 's3cret'],
    ['without the line break that editors add', 's3cret\n', 's3cret'],
    ['without that of another system', 's3cret\r\n', 's3cret'],
    ['with all else', ' s3 cret \n\n', ' s3 cret \n'],
  ])('is read from its file %s', async (_, content, secret) => {
    await writeFile(join(folder, 'secret'), content);
    const credentials = await readCredentials(connection('clientSecretFile: secret'));
    expect([credentials.clientId, credentials.secret.reveal()]).toEqual(['operator', secret]);
  });

  it('is read anew each time, for files are renewed', async () => {
    const from = connection('clientSecretFile: renewed');
    await writeFile(join(folder, 'renewed'), 'old');
    await readCredentials(from);
    await writeFile(join(folder, 'renewed'), 'new');
    expect((await readCredentials(from)).secret.reveal()).toBe('new');
  });

  it('is read from a variable', async () => {
    process.env[VARIABLE] = 's3cret';
    onTestFinished(() => {
      delete process.env[VARIABLE];
    });
    const { secret } = await readCredentials(connection(`clientSecretEnv: ${VARIABLE}`));
    expect(secret.reveal()).toBe('s3cret');
  });

  it('that is missing is said by its place', async () => {
    const file = join(folder, 'missing');
    await expect(readCredentials(connection('clientSecretFile: missing'))).rejects.toThrow(
      `file ${file} with the secret cannot be read (ENOENT); write it, or correct the path`,
    );
    await expect(readCredentials(connection(`clientSecretEnv: ${VARIABLE}`))).rejects.toThrow(
      `environment variable ${VARIABLE} is not set; set it, or name another by clientSecretEnv`,
    );
  });

  it('that is empty is said by its place', async () => {
    await writeFile(join(folder, 'empty'), '\n');
    await expect(readCredentials(connection('clientSecretFile: empty'))).rejects.toThrow(
      `file ${join(folder, 'empty')} is empty; put the secret of client operator there`,
    );
  });
});

describe('certificates to trust', () => {
  it('are none where none are configured', async () => {
    expect(await readCa(connection('clientSecretFile: secret'))).toBeUndefined();
  });

  it('are the text of the file', async () => {
    const pem = '-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n';
    await writeFile(join(folder, 'ca.pem'), pem);
    expect(await readCa(connection('clientSecretFile: secret, caFile: ca.pem'))).toBe(pem);
  });

  it('that are no certificates are refused', async () => {
    await writeFile(join(folder, 'key.pem'), '-----BEGIN PUBLIC KEY-----');
    await expect(readCa(connection('clientSecretFile: secret, caFile: key.pem'))).rejects.toThrow(
      'holds no certificate in PEM',
    );
  });
});
