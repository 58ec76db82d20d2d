import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { ANNOTATION_ROLLED, ANNOTATION_ROTATE_REQUESTED, FIELD_MANAGER } from '../../operator/api/names.ts';
import { GROUP, KIND } from '../../operator/api/schema.ts';
import { Reason } from '../../operator/policy/reasons.ts';
import manifest from '../../package.json' with { type: 'json' };
import { blocks, capitalWords, documents, type Fields, ROOT, read } from '../docs-pages.ts';

const PAGE = 'docs/gitops.md';
const text = read(PAGE);
const shown = documents(PAGE);

const file = (...path: readonly string[]) => readFileSync(join(ROOT, 'examples', 'gitops', ...path), 'utf8');
const filesOf = (...path: readonly string[]) =>
  parseAllDocuments(file(...path)).map(document => document.toJS() as Fields);
const yamlOf = (...path: readonly string[]) => parse(file(...path)) as Fields;

/** The only one of some objects that is of a kind. */
function ofKind(objects: readonly Fields[], kind: string): Fields {
  const found = objects.filter(object => object.kind === kind);
  expect(found, kind).toHaveLength(1);
  return found[0] ?? {};
}

/** What a JSON pointer names, piece by piece. */
const pieces = (pointer: string) =>
  pointer
    .split('/')
    .slice(1)
    .map(piece => piece.replaceAll('~1', '/'));

/** Words in the form of reasons that are something else: conditions, what kstatus and Argo CD say. */
const NO_REASONS = [
  'Ready',
  'Reconciling',
  'Stalled',
  ...['Current', 'InProgress', 'Failed'],
  ...['Healthy', 'Degraded'],
];

interface Patch {
  readonly patch: string;
}

interface Ignored {
  readonly kind: string;
  readonly jsonPointers: readonly string[];
}

describe(PAGE, () => {
  it("shows Flux's Kustomization as it is in the file", () => {
    const block = blocks(PAGE, 'yaml').find(each => each.includes('kind: Kustomization'));
    expect(file('flux', 'production.yaml')).toContain(`---\n${block}`);
  });

  it('shows the health check as it is in the file, under the key that names the kind', () => {
    const { data } = ofKind(shown, 'ConfigMap') as { readonly data: Readonly<Record<string, string>> };
    expect(data).toEqual({
      [`resource.customizations.health.${GROUP}_${KIND}`]: file('argocd', 'health.lua'),
    });
  });

  it('shows what keeps the login of production from being pruned as the overlay sets it', () => {
    const [{ patch } = { patch: '' }] = yamlOf('overlays', 'production', 'kustomization.yaml')
      .patches as readonly Patch[];
    const operations = parse(patch) as readonly { readonly path: string; readonly value: unknown }[];
    const set = Object.fromEntries(operations.map(({ path, value }) => [path, value]));
    const { metadata, spec } = shown.find(part => part.metadata !== undefined && part.kind === undefined) as {
      readonly metadata: Fields;
      readonly spec: Fields;
    };
    expect(set).toEqual({
      '/metadata/annotations': metadata.annotations,
      '/spec/deletionPolicy': spec.deletionPolicy,
    });
  });

  it('says by which tag production goes, as the files for both tools have it', () => {
    const { spec: source } = ofKind(filesOf('flux', 'production.yaml'), 'GitRepository') as {
      readonly spec: { readonly url: string; readonly ref: { readonly tag: string } };
    };
    const application = yamlOf('argocd', 'production.yaml') as {
      readonly spec: { readonly source: { readonly repoURL: string; readonly targetRevision: string } };
    };
    expect(application.spec.source).toMatchObject({ repoURL: source.url, targetRevision: source.ref.tag });
    expect(text).toContain(`\`ref.tag: ${source.ref.tag}\``);
    expect(text).toContain(`\`targetRevision: ${source.ref.tag}\``);
  });

  it('has diffs ignored at fields of the names that the operator uses', () => {
    const { spec } = shown.find(part => 'ignoreDifferences' in ((part.spec ?? {}) as Fields)) as {
      readonly spec: { readonly ignoreDifferences: readonly Ignored[] };
    };
    const ignored = spec.ignoreDifferences.flatMap(({ kind, jsonPointers }) =>
      jsonPointers.map(pointer => [kind, ...pieces(pointer)]),
    );
    expect(ignored).toEqual([
      ['ConfigMap', 'data', 'sso'],
      ['Deployment', 'spec', 'template', 'metadata', 'annotations', ANNOTATION_ROLLED],
      [KIND, 'spec', 'suspend'],
    ]);
    for (const name of [ANNOTATION_ROTATE_REQUESTED, ANNOTATION_ROLLED])
      expect(text).toContain(`\`${name}\``);
    expect(text).toContain(`\`app.kubernetes.io/managed-by: ${FIELD_MANAGER}\``);
  });

  it('names no reason that does not exist', () => {
    const known: readonly string[] = [...Object.values(Reason), ...NO_REASONS];
    expect(capitalWords(PAGE).filter(word => !known.includes(word))).toEqual([]);
  });
});

describe('examples/gitops', () => {
  const workflow = file('.github', 'workflows', 'policies.yaml');

  it('installs this version of the command line', () => {
    expect(workflow).toContain(`./tools/${manifest.name}-${manifest.version}.tgz`);
  });

  it.each(['staging', 'production'])('has a configuration of %s whose client the job can replace', name => {
    const config = file('operator', name, 'config.yaml');
    expect(config.match(/clientId: argo-access-operator$/gm)).toHaveLength(1);
    expect(config.match(/clientSecretFile: /g)).toHaveLength(1);
  });
});
