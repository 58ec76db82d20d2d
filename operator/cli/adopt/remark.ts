/** Something to be known of a description. */
export interface Remark {
  readonly kind: /** It would not be the same for somebody. */
    | 'change'
    /** A policy cannot say it. */
    | 'lost'
    /** The operator would not make it so, as `plan` finds. */
    | 'problem'
    | 'warning'
    /** The operator writes it anew, and nobody notices. */
    | 'rewritten'
    /** It stays as it is, beside the policy. */
    | 'stays'
    /** It could not be found out. */
    | 'unknown';
  readonly text: string;
}

/** Makes remarks of a kind. */
export function remarks(kind: Remark['kind'], texts: readonly string[]): readonly Remark[] {
  return texts.map(text => ({ kind, text }));
}
