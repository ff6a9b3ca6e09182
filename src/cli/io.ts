/** Where a command writes to, and what it may know of its surroundings. */
export interface Io {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  /** Whether a person watches standard error: then a progress line may be drawn there. */
  readonly isTTY: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Input that cannot be used; its message is the one line that the user reads. The command exits with 2. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** Good input of something that is not modelled yet; its message is the one line. The command exits with 1. */
export class NotModelledError extends Error {
  override readonly name = 'NotModelledError';
}
