import { red, remark } from './style.ts';

/** A failure that is told to the person in words; anything else is a defect and shows its stack. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly hint: string | undefined;
  readonly exitStatus: number;

  constructor(message: string, options: { readonly hint?: string | undefined; readonly exitStatus?: number } = {}) {
    super(message);
    this.hint = options.hint;
    this.exitStatus = options.exitStatus ?? 1;
  }
}

/** Tells a failure and gives the exit status of the command line for it. */
export const tellFailure = (error: unknown): number => {
  if (error instanceof CommandFailure) {
    remark(red(`berth: ${error.message}`));
    if (error.hint !== undefined) {
      remark(`       ${error.hint}`);
    }
    return error.exitStatus;
  }
  remark(
    red(
      `berth: ${error instanceof Error ? (process.env['BERTH_DEBUG'] ? error.stack : error.message) : String(error)}`,
    ),
  );
  return 1;
};
