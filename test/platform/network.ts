import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';

/** What an installation has of the machine's network. */
export interface Network {
  readonly subnet: string;
  readonly interfacePrefix: string;
}

/** Second bytes of 10.0.0.0/8: the launcher hands out those from 64 on. */
const most = 63;

const claimPath = (second: number): string => join(tmpdir(), `berth-test-network-${second}`);

/** Whether this process has it now, and keeps it until {@link releaseNetwork} or its end. */
const isClaimed = (second: number): boolean => {
  const path = claimPath(second);
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return true;
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) {
        throw error;
      }
      if (isHeld(path)) {
        return false;
      }
      rmSync(path, { force: true });
    }
  }
  return false;
};

const isHeld = (path: string): boolean => {
  try {
    process.kill(Number(readFileSync(path, 'utf8')), 0);
    return true;
  } catch (error) {
    // Who had it has ended, or has given it back.
    if (isErrno(error, 'ESRCH') || isErrno(error, 'ENOENT')) {
      return false;
    }
    throw error;
  }
};

const isErrno = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

/** Networks that somebody has on this machine, be it only in rules of a firewall that outlived its installation. */
const isInUse = (second: number, ruleset: string): boolean =>
  ruleset.includes(` 10.${second}.0.0/16 `) ||
  Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address.startsWith(`10.${second}.`)),
  );

/** A network that no other installation of a test has, in whichever process. @throws Error when all are taken */
export function claimNetwork(state: string): Network {
  const digest = createHash('sha256').update(state).digest();
  const ruleset = execFileSync('nft', ['list', 'ruleset'], { encoding: 'utf8', maxBuffer: 256 * 2 ** 20 });
  for (let step = 0; step < most; step += 1) {
    const second = 1 + ((digest.readUInt8(0) + step) % most);
    if (!isInUse(second, ruleset) && isClaimed(second)) {
      return { subnet: `10.${second}.0.0/16`, interfacePrefix: `bt${digest.toString('hex', 1, 3)}` };
    }
  }
  throw new Error(`all networks from 10.1 to 10.${most} are in use by installations of tests`);
}

export const releaseNetwork = ({ subnet }: Network): void =>
  rmSync(claimPath(Number(subnet.split('.')[1])), { force: true });
