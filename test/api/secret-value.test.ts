import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { format, inspect } from 'node:util';
import { serialize } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { SecretValue } from '../../operator/api/secret-value.ts';

const TEXT = 'hunter2-and-more';
const secret = new SecretValue(TEXT);

function printed(write: (console: Console) => void): string {
  let text = '';
  const stream = new Writable({
    write: (chunk, _, done) => {
      text += chunk;
      done();
    },
  });
  write(new Console({ stdout: stream, stderr: stream }));
  return text;
}

describe('a secret', () => {
  it.each([
    ['in a template', `${secret}`],
    ['joined to a text', `a${String(secret)}b`],
    ['added to a text', 'a'.concat(secret as unknown as string)],
    ['in a list that is joined', [secret, secret].join()],
    ['as JSON', JSON.stringify(secret)],
    ['as JSON inside of other things', JSON.stringify({ a: [{ secret }] })],
    ['as a key', JSON.stringify({ [`${secret}`]: 1 })],
    ['inspected', inspect(secret)],
    [
      'inspected inside of other things',
      inspect({ a: [{ secret }], b: new Map([['k', secret]]) }, { depth: 9 }),
    ],
    ['inspected with all that is hidden', inspect({ secret }, { showHidden: true, depth: 9 })],
    ['inspected against its will', inspect({ secret }, { customInspect: false, showHidden: true, depth: 9 })],
    ['formatted by %s', format('%s', secret)],
    ['formatted by %o', format('%o', secret)],
    ['formatted by %O', format('%O', secret)],
    ['formatted by %j', format('%j', secret)],
    ['formatted without a form', format(secret, { secret })],
    ['logged', printed(console => console.log('x', secret, { secret }))],
    [
      'logged as an error',
      printed(console => console.error(new Error(`failed: ${secret}`, { cause: { secret } }))),
    ],
    ['logged as a table', printed(console => console.table([{ secret }]))],
    ['logged as a folder', printed(console => console.dir({ secret }, { showHidden: true }))],
    ['spread', JSON.stringify({ ...secret })],
    ['cloned', inspect(structuredClone({ secret }), { showHidden: true, depth: 9 })],
    ['serialized', serialize({ secret }).toString('latin1')],
    [
      'by its keys',
      inspect([Object.keys(secret), Object.entries(secret), Object.getOwnPropertyNames(secret)]),
    ],
  ])('%s shows nothing', (_, text) => {
    expect(text).not.toContain(TEXT);
    expect(text).not.toContain('hunter');
  });

  it('is said to be redacted where one would expect it', () => {
    expect([`${secret}`, JSON.parse(JSON.stringify({ secret })).secret, inspect(secret)]).toEqual([
      '[redacted]',
      '[redacted]',
      '[redacted]',
    ]);
  });

  it('does not show its length', () => {
    expect(inspect(new SecretValue('a'))).toBe(inspect(new SecretValue('aaaaaaaaaaaaaaaaaaaa')));
  });

  it('is given to whoever asks for it by name', () => {
    expect(secret.reveal()).toBe(TEXT);
  });

  it.each([
    [new SecretValue(TEXT), true],
    [new SecretValue('other'), false],
    [new SecretValue(''), false],
    [undefined, false],
  ])('can be compared: with %s it is %s', (other, same) => {
    expect(secret.equals(other)).toBe(same);
  });

  it('knows whether it is empty', () => {
    expect([new SecretValue('').isEmpty, secret.isEmpty]).toEqual([true, false]);
  });
});
