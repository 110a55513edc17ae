import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AttemptReport } from './attempt.ts';

/** Writes each result to a file of its own: `<number>-<repository>.<json or txt>`. */
export const saveResults = (directory: string, reports: readonly AttemptReport[]): void => {
  mkdirSync(directory, { recursive: true });
  for (const { index, repository, result } of reports) {
    if (result !== undefined) {
      const name = [String(index + 1), ...(repository === undefined ? [] : [repository])].join('-');
      writeFileSync(join(directory, `${name}.${/^\s*[[{]/.test(result) ? 'json' : 'txt'}`), result);
    }
  }
};
