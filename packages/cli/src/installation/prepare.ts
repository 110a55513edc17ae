import { chmodSync, chownSync, existsSync, mkdirSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { SystemAccount } from './accounts.ts';
import { writeAtomically } from './atomic-file.ts';
import type { StatePaths } from './paths.ts';

const root: SystemAccount = { uid: 0, gid: 0 };

/** Makes the directories of the state with their owners and rights, and the master key. Safe to repeat. */
export const prepareState = (paths: StatePaths, account: SystemAccount): void => {
  const directories: ReadonlyArray<readonly [string, number, SystemAccount]> = [
    [paths.state, 0o711, root],
    [paths.run, 0o755, root],
    [join(paths.run, 'boxes'), 0o711, root],
    [paths.logs, 0o750, { uid: 0, gid: account.gid }],
    [join(paths.state, 'host'), 0o700, root],
    [paths.server, 0o700, account],
    [paths.postgresSocket, 0o700, account],
  ];
  for (const [path, mode, owner] of directories) {
    mkdirSync(path, { recursive: true, mode });
    chmodSync(path, mode);
    chownSync(path, owner.uid, owner.gid);
  }
  if (!existsSync(paths.masterKey)) {
    writeAtomically(paths.masterKey, randomBytes(32), { mode: 0o600, ...account });
  }
};
