/** How bad a finding is. */
export type Severity = 'error' | 'warning' | 'note';

/** A place in a file; line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Something that is not right with a policy. */
export interface Finding extends Place {
  readonly severity: Severity;
  /** What kind of finding it is; stable, for machines. */
  readonly rule: string;
  /** The policy, as `namespace/name`, or its name where it has no namespace; empty where it is not known. */
  readonly policy: string;
  /** Path of the field, such as `spec.roles[0].groups[1]`; empty for the whole document. */
  readonly field: string;
  /** What is wrong, and how to mend it. */
  readonly message: string;
}

/** All that was found. */
export interface Report {
  readonly files: number;
  readonly policies: number;
  /** In the order of the files, and in each from top to bottom. */
  readonly findings: readonly Finding[];
}

/** A path in the form in which the API server writes it. */
export function fieldOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}

/** The path of a field that is written in that form. */
export function pathOf(field: string): readonly PropertyKey[] {
  return [...field.matchAll(/[^.[\]]+/g)].map(([key]) => (/^[0-9]+$/.test(key) ? Number(key) : key));
}
