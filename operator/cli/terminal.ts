/** What a command reads from and writes to. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** All of the standard input. */
  readonly input: () => Promise<string>;
  /** Whether `out` shows colours. */
  readonly colours: boolean;
}

/** Exit codes of the command line. */
export const ExitCode = {
  /** Done, and nothing is wrong. */
  Ok: 0,
  /** What was looked at is wrong: a policy, or the operator's configuration. */
  Wrong: 1,
  /** The command could not be carried out: an unknown option, a missing argument, a file that cannot be read. */
  Failed: 2,
} as const;

/** Any exit code. */
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Ends a command early, by an exit code. The message is for people. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode) {
    super(message);
    this.exitCode = exitCode;
  }
}
