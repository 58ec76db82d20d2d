import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { parseAllDocuments } from 'yaml';

/** The project's folder. */
export const ROOT = join(import.meta.dirname, '..');

/** What users read, by path from the project's folder. */
export const PAGES = [
  'README.md',
  'config/README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`),
];

/** The text of a page. */
export const read = (page: string) => readFileSync(join(ROOT, page), 'utf8');

/** The fenced blocks of a page in a language. */
export function blocks(page: string, language: string): readonly string[] {
  const fences = read(page).matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm);
  return [...fences].flatMap(([, named, text]) => (named === language && text !== undefined ? [text] : []));
}

/** A mapping of YAML or JSON. */
export type Fields = Readonly<Record<string, unknown>>;

/** The YAML of a page, document by document. */
export function documents(page: string): readonly Fields[] {
  return blocks(page, 'yaml').flatMap(text =>
    parseAllDocuments(text).map(document => {
      expect(document.errors, `${page}: ${text}`).toEqual([]);
      return document.toJS() as Fields;
    }),
  );
}

/** Every policy that a page shows. */
export const policies = PAGES.flatMap(page =>
  documents(page)
    .filter(({ kind }) => kind === 'ArgoAccessPolicy')
    .map((policy, index) => ({ page, index, policy })),
);

/** As GitHub makes them of headings. */
export function anchors(page: string): readonly string[] {
  return [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

/** A link to a file of the project, or to a heading. */
export interface Link {
  readonly page: string;
  readonly target: string;
}

/** The links of a page that stay in the project. */
export function links(page: string): readonly Link[] {
  const found = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return found.filter(target => !/^[a-z]+:/.test(target)).map(target => ({ page, target }));
}

/** Words of a document in the form of reasons: `One`, `OrMore`. */
export function capitalWords(page: string): readonly string[] {
  return [...read(page).matchAll(/`([A-Z][a-z][A-Za-z]+)`/g)].map(([, word = '']) => word);
}

/** The lines of a page's tables. */
export function tableRows(page: string): readonly string[] {
  return read(page)
    .split('\n')
    .filter(line => line.startsWith('|'));
}
