import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crdManifest, type OpenApiSchema, SCHEMAS } from '../../operator/api/crd.ts';
import { generatedFiles } from '../../operator/api/generated.ts';
import { specSchema } from '../../operator/api/schema.ts';
import { HELD_TOKEN_NAME } from '../../operator/policy/accounts.ts';
import { PRECEDENCE_STEP, tokenSecretName } from '../../operator/policy/desired.ts';

/** Every schema in a schema, by path. */
function walk(path: string, schema: OpenApiSchema): readonly (readonly [string, OpenApiSchema])[] {
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
    walk(`${path}.${name}`, field),
  );
  const items = schema.items === undefined ? [] : walk(`${path}[]`, schema.items);
  const values =
    schema.additionalProperties === undefined ? [] : walk(`${path}{}`, schema.additionalProperties);
  return [[path, schema], ...below, ...items, ...values];
}

const all = Object.entries(SCHEMAS).flatMap(([name, schema]) => walk(name, schema));
const fields = all.filter(([path]) => !path.endsWith(']') && !path.endsWith('}'));

describe('what is generated from the schema', () => {
  it.each(Object.entries(generatedFiles()))(
    'crds/%s is as `npm run generate` writes it',
    async (name, text) => {
      const committed = await readFile(join(import.meta.dirname, '../../crds', name), 'utf8');
      expect(committed).toBe(text);
    },
  );

  it('says of every field what it is', () => {
    expect(fields.length).toBeGreaterThan(50);
    expect(fields.filter(([, schema]) => (schema.description ?? '') === '').map(([path]) => path)).toEqual(
      [],
    );
  });

  it('limits every text, list and map, so that the cost of rules can be bounded', () => {
    const unlimited = all.filter(([, schema]) => {
      const limits: Readonly<Record<string, unknown>> = { ...schema };
      if (schema.items !== undefined) return limits.maxItems === undefined;
      if (schema.additionalProperties !== undefined) return limits.maxProperties === undefined;
      const bounded = schema.enum !== undefined || limits.format === 'date-time';
      return schema.type === 'string' && !bounded && limits.maxLength === undefined;
    });
    expect(unlimited.map(([path]) => path)).toEqual([]);
  });

  it('treats the roles as one value, for two writers must not merge their order', () => {
    const { roles } = SCHEMAS.spec.properties ?? {};
    expect(roles).toMatchObject({ type: 'array', 'x-kubernetes-list-type': 'atomic' });
  });

  it('has columns for kubectl get', () => {
    const [version] = crdManifest().spec.versions;
    const columns = version?.additionalPrinterColumns.map(({ name, priority = 0 }) => `${name} ${priority}`);
    expect(columns).toEqual([
      ...['Ready 0', 'Reason 0', 'Client 0', 'Roles 0', 'Rotated 0', 'Next-Rotation 0', 'Age 0'],
      ...['Realm 1', 'Message 1'],
    ]);
  });
});

describe('the schema knows what the rest of the code relies on', () => {
  const accepts = (secret: string) =>
    specSchema.safeParse({
      client: { clientId: 'a', url: 'https://a.example', secret: { name: secret } },
      roles: [{ name: 'a', everyone: true }],
    }).success;

  it('no client Secret can stand in for an account token, or for the one that never exists', () => {
    expect(accepts('argo-server-sso')).toBe(true);
    expect(accepts(HELD_TOKEN_NAME)).toBe(false);
    expect(accepts(tokenSecretName('viewer'))).toBe(false);
  });

  it('the lowest role keeps a precedence above 0', () => {
    const roles = ['a', 'b', 'c'].map(name => ({ name, groups: [`/${name}`] }));
    expect(specSchema.safeParse({ precedence: 3 * PRECEDENCE_STEP, roles }).success).toBe(true);
    expect(specSchema.safeParse({ precedence: 3 * PRECEDENCE_STEP - 1, roles }).success).toBe(false);
  });
});
