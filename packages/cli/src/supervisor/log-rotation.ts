import { copyFileSync, readdirSync, renameSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

/** Keeps each log of the directory below `limitBytes` by moving what it holds to `<name>.1`; writers append and need not know. */
export const rotateLogs = (directory: string, limitBytes: number): void => {
  for (const name of readdirSync(directory).filter((entry) => entry.endsWith('.log'))) {
    const path = join(directory, name);
    if (statSync(path).size > limitBytes) {
      copyFileSync(path, `${path}.new`);
      truncateSync(path);
      renameSync(`${path}.new`, `${path}.1`);
    }
  }
};
