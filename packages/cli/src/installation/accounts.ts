import { readFileSync } from 'node:fs';

/** Numeric ids of a system account. */
export interface SystemAccount {
  readonly uid: number;
  readonly gid: number;
}

/** The unprivileged account that server and database run as. */
export const serviceAccount = (name = 'berth'): SystemAccount => {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined) {
    throw new Error(`the system user '${name}' is missing; ./berth up makes it`);
  }
  return { uid: Number(uid), gid: Number(gid) };
};

/** Arguments before a command that make it run as the account, without any capability and unable to gain one. */
export const asAccount = ({ uid, gid }: SystemAccount): readonly string[] => [
  'setpriv',
  `--reuid=${uid}`,
  `--regid=${gid}`,
  '--clear-groups',
  '--inh-caps=-all',
  '--bounding-set=-all',
  '--no-new-privs',
];
