/** What a command reads from and writes to. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** All of the standard input. */
  readonly input: () => Promise<string>;
  /** Whether `out` shows colours. */
  readonly colours: boolean;
  /** Width of `out` in characters; undefined where it is no terminal, and lines need no wrapping. */
  readonly columns?: number | undefined;
  /** Asks whoever sits there, and gives the answer; undefined where nobody does. */
  readonly ask?: ((question: string, signal: AbortSignal) => Promise<string>) | undefined;
  /** Ends what is under way, as Ctrl-C does. */
  readonly interrupt?: AbortSignal | undefined;
}

/** Marks that turn the direction of a text, so that it is read as another than it is (Unicode Standard Annex 9). */
const TURNS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** A text of others as it may be shown: on one line, with nothing in it that speaks to the terminal. */
export function harmless(text: string): string {
  return text
    .replaceAll(TURNS, mark => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replaceAll(/\p{Cc}+/gu, ' ');
}

/** Exit codes of the command line. */
export const ExitCode = {
  /** Done, and nothing is wrong. */
  Ok: 0,
  /** What was looked at is wrong: a policy, or the operator's configuration. */
  Wrong: 1,
  /** The command could not be carried out: an unknown option, a file or a cluster that cannot be read. */
  Failed: 2,
  /** Ended by Ctrl-C, as shells count it. */
  Interrupted: 130,
} as const;

/** Any exit code. */
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Ends a command early, by an exit code. The message is for people. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode, cause?: unknown) {
    super(message, { cause });
    this.exitCode = exitCode;
  }
}

/** Ends a command that cannot be carried out. */
export function failure(message: string): CommandFailure {
  return new CommandFailure(message, ExitCode.Failed);
}
