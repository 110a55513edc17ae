import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../programs/run-program.ts';
import { type Check, ok } from './check.ts';

/** Runs a script in a mount and network namespace of its own, so that nothing is left on the machine whatever happens. */
const inPrivateNamespace = (script: string): Promise<string> =>
  runProgram(['unshare', '--mount', '--net', '--propagation', 'private', 'bash', '-euc', script]);

const withDirectory = async (body: (directory: string) => Promise<unknown>): Promise<void> => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-doctor-'));
  try {
    await body(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

/** What boxes are made of, each tried out for real. */
export const kernelChecks: readonly Check[] = [
  {
    name: 'overlay file system',
    look: async () => {
      await withDirectory(async (directory) => {
        for (const part of ['lower', 'upper', 'work', 'merged']) {
          mkdirSync(join(directory, part));
        }
        await inPrivateNamespace(
          `cd '${directory}'; mount -t tmpfs none work; mkdir work/upper work/work; mount -t overlay overlay -o lowerdir=lower,upperdir=work/upper,workdir=work/work merged; touch merged/file`,
        );
      });
      return ok('mounts');
    },
  },
  {
    name: 'btrfs on a file',
    look: async () => {
      await withDirectory((directory) =>
        inPrivateNamespace(
          `cd '${directory}'; truncate -s 256M volume; mkfs.btrfs -q volume; mkdir mounted; mount -o loop volume mounted; touch mounted/file; umount mounted`,
        ),
      );
      return ok('mounts');
    },
  },
  {
    name: 'nftables',
    look: async () => {
      await inPrivateNamespace(
        "nft 'add table ip berth_doctor; add chain ip berth_doctor out { type nat hook postrouting priority 100; }; add rule ip berth_doctor out masquerade'",
      );
      return ok('masquerade');
    },
  },
  {
    name: 'network devices',
    look: async () => {
      await inPrivateNamespace('ip link add doctor0 type veth peer name doctor1');
      return ok('veth');
    },
  },
];
