import { VERBS } from '../../policy/workflow-verbs.ts';
import { type Cell, EVERYWHERE, type Row, type Who } from './report.ts';

/** Whom a row is about, in words. */
export function whoText(who: Who): string {
  switch (who.kind) {
    case 'group':
      return who.group;
    case 'others':
      return 'everybody else';
    case 'expression':
      return `whoever matches ${who.expression}`;
  }
}

/** A column's heading. */
export function placeHeading(namespace: string): string {
  return namespace === EVERYWHERE ? 'all namespaces' : namespace;
}

/** What is to be known of a row besides its accounts. */
export function remarksOf({ accounts, unlessFirst }: Row): readonly string[] {
  const names = accounts.map(({ serviceAccount }) => serviceAccount);
  return [
    ...(names.length > 1 ? [`tie of ${names.join(' and ')}: Argo takes whichever comes first`] : []),
    ...(unlessFirst.length > 0
      ? [`unless the expression of ${unlessFirst.join(' or ')} matches, or fails, first`]
      : []),
  ];
}

/** What a cell says, in words that stand for verbs. */
export function cellWords({ verbs, named, unknown }: Cell): readonly string[] {
  const all = VERBS.every(verb => verbs.includes(verb));
  const words = [
    ...(all ? ['everything'] : verbs),
    ...named.map(verb => `${verb} (some)`),
    ...unknown.map(role => `? ${role}`),
  ];
  return words.length === 0 ? ['nothing'] : words;
}
