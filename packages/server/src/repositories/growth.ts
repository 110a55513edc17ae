import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RepositoryError } from './repository-error.ts';

/** More has come than one fetch may bring. */
export class TooLarge extends RepositoryError {
  constructor(limitBytes: number) {
    super(`the repository is larger than ${limitBytes} bytes, or what it sends is damaged`);
  }
}

/** Pause between two looks at what has come so far. */
const pauseMs = 1_000;

/** Bytes of all files below a directory; 0 where there is none. */
export const sizeOf = async (directory: string): Promise<number> => {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true }).catch(() => []);
  let sizeBytes = 0;
  for (const entry of entries) {
    if (entry.isFile()) {
      sizeBytes += await stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      );
    }
  }
  return sizeBytes;
};

/**
 * Does the work, which writes into the directory, and ends it by its signal once the directory has grown by more than the limit: a bound on files says
 * nothing about how many of them a remote sends.
 * @throws TooLarge
 */
export const withinGrowth = async <Result>(
  directory: string,
  limitBytes: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> => {
  const before = await sizeOf(directory);
  const isTooLarge = async (): Promise<boolean> => (await sizeOf(directory)) - before > limitBytes;
  const end = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const look = async (): Promise<void> => {
    if (await isTooLarge()) {
      end.abort(new TooLarge(limitBytes));
    } else if (timer !== undefined) {
      timer = setTimeout(() => void look(), pauseMs);
    }
  };
  timer = setTimeout(() => void look(), pauseMs);
  try {
    const result = await work(AbortSignal.any([signal, end.signal]));
    if (await isTooLarge()) {
      throw new TooLarge(limitBytes);
    }
    return result;
  } finally {
    clearTimeout(timer);
    timer = undefined;
  }
};
