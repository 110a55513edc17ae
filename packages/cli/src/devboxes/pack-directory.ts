import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { CommandFailure } from '../output/failure.ts';

/** A tar archive of a directory, made while it is read. */
export interface PackedDirectory {
  readonly bytes: () => AsyncGenerator<Uint8Array>;
  /** Why the bytes ended with an error, when they did. */
  readonly failure: () => CommandFailure | undefined;
}

/**
 * What tar says, with its status 1, of files that were written or removed while it read: the archive is whole, and has them as they were met, or not.
 * A file that got shorter is none of these, for it would have zeros that nobody wrote.
 */
export const changeWarning = ': (file changed as we read it|File removed before we read it)$';

/**
 * Packs a directory with tar. What it says goes to standard error: of files that change meanwhile as a warning, and the bytes are whole. Where tar
 * could not read all of it the bytes end with an error, so that no part passes for the whole.
 */
export const packDirectory = (directory: string): PackedDirectory => {
  let failure: CommandFailure | undefined;
  const bytes = async function* (): AsyncGenerator<Uint8Array> {
    const tar = spawn('tar', ['-C', directory, '-cf', '-', '.'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
    });
    const warning = new RegExp(changeWarning);
    const said = { warnings: 0, others: 0 };
    createInterface({ input: tar.stderr }).on('line', (line) => {
      said[warning.test(line) ? 'warnings' : 'others'] += 1;
      process.stderr.write(`${line}\n`);
    });
    const ended = new Promise<string | undefined>((done) => {
      tar.once('error', ({ message }) => done(message));
      tar.once('close', (status, signal) => {
        const changed = status === 1 && said.warnings > 0 && said.others === 0;
        done(status === 0 || changed ? undefined : `it ended with ${signal ?? status}`);
      });
    });
    yield* tar.stdout as AsyncIterable<Uint8Array>;
    const problem = await ended;
    if (problem !== undefined) {
      failure = new CommandFailure(`tar could not pack ${directory}: ${problem}`, { hint: 'nothing was copied' });
      throw failure;
    }
  };
  return { bytes, failure: () => failure };
};
