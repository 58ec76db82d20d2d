import { describe, expect, it } from 'vitest';
import { parseKubernetesYaml } from '../../operator/cli/validate/kubernetes-yaml.ts';
import { SCALARS } from './scalars.ts';

function read(text: string): unknown {
  const [document] = parseKubernetesYaml(text).documents;
  expect(document?.errors).toEqual([]);
  return document?.toJS();
}

describe('YAML is read as kubectl reads it', () => {
  it.each(SCALARS)('%s', (text, value) => {
    expect(read(`a: ${text}\n`)).toEqual({ a: value });
  });

  it('with keys that become texts, of which the last counts', () => {
    expect(read('y: 1\n017: 2\na: 3\na: 4\n')).toEqual({ true: 1, 15: 2, a: 4 });
  });

  it('with merged mappings', () => {
    expect(read('a: &x { b: 1, c: 2 }\nd: { <<: *x, c: 3 }\n')).toEqual({
      a: { b: 1, c: 2 },
      d: { b: 1, c: 3 },
    });
  });

  it('with documents that are empty', () => {
    expect(parseKubernetesYaml('').documents).toEqual([]);
    expect(parseKubernetesYaml('---\n---\na: 1\n').documents.map(each => each.toJS())).toEqual([
      null,
      { a: 1 },
    ]);
  });

  it('with values of JSON one after the other, at their places', () => {
    const text = '{"a": "}{\\"["}\n\n{"b":\n 1} {"c": [2]}\n';
    const { documents, lines } = parseKubernetesYaml(text);
    expect(documents.flatMap(each => each.errors)).toEqual([]);
    expect(documents.map(each => each.toJS())).toEqual([{ a: '}{"[' }, { b: 1 }, { c: [2] }]);
    expect(documents.map(each => lines.linePos(each.contents?.range[0] ?? 0))).toEqual([
      { line: 1, col: 1 },
      { line: 3, col: 1 },
      { line: 4, col: 5 },
    ]);
  });

  it.each(['{"a": 1}\n{"b":', '{"a": 1}\n{b: 2}', '{"a": 1}}'])('without guessing what %j may mean', text => {
    expect(parseKubernetesYaml(text).documents.flatMap(each => each.errors)).not.toEqual([]);
  });
});
