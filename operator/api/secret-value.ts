const REDACTED = '[redacted]';

/**
 * A secret that cannot be printed: its string, JSON and inspect forms are `[redacted]`.
 * Only {@link SecretValue.reveal} gives the text, at the place where it is sent.
 */
export class SecretValue {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The secret itself. Call it only in the expression that sends it. */
  reveal(): string {
    return this.#text;
  }

  /** Whether both hold the same text. */
  equals(other: SecretValue | undefined): boolean {
    return other !== undefined && other.#text === this.#text;
  }

  /** Whether there is no text at all. */
  get isEmpty(): boolean {
    return this.#text === '';
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED;
  }
}
