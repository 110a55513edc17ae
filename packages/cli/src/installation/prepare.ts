import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SystemAccount } from './accounts.ts';
import type { StatePaths } from './paths.ts';

const root: SystemAccount = { uid: 0, gid: 0 };

/** Makes the directories of the state with their owners and rights. Safe to repeat. */
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
};
