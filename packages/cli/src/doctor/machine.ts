import { accessSync, existsSync, readFileSync, statfsSync } from 'node:fs';
import { release } from 'node:os';
import { dirname } from 'node:path';
import { readInstallation } from '../installation/installation.ts';
import { stateDirectory, statePaths } from '../installation/paths.ts';
import { portIsFree, portOwner } from '../installation/ports.ts';
import { formatBytes } from '../output/quantities.ts';
import { runProgram } from '../programs/run-program.ts';
import { listenAddress } from '../supervisor/environment.ts';
import { readSupervisorState } from '../supervisor/published-state.ts';
import { type Check, fail, ok, warn } from './check.ts';

const neededDiskBytes = 3 * 1024 ** 3;
/** Bit of the capability in the masks of /proc/self/status. */
const resourceCapability = 24n;

/** Who runs this, and on what. */
export const machineChecks: readonly Check[] = [
  {
    name: 'root',
    look: async () => (process.getuid?.() === 0 ? ok('yes') : fail('no', 'boxes need root: sudo ./berth doctor')),
  },
  {
    name: 'capability to raise limits',
    look: async () => {
      const mask = BigInt(`0x${/^CapEff:\s+([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`);
      return (mask >> resourceCapability) & 1n
        ? ok('CAP_SYS_RESOURCE')
        : warn(
            'no CAP_SYS_RESOURCE: limits stay at their hard values',
            'fine for some hundred boxes; a container may be started with it',
          );
    },
  },
  {
    name: 'kernel',
    look: async () => {
      const [major = 0, minor = 0] = release().split('.').map(Number);
      const text = `Linux ${release()}`;
      return major > 5 || (major === 5 && minor >= 19)
        ? ok(text)
        : fail(text, 'overlay on ID-mapped layers needs 5.19 or newer');
    },
  },
  {
    name: 'user namespaces',
    look: async () => {
      await runProgram(['unshare', '--user', '--map-root-user', 'true']);
      return ok('can be made');
    },
  },
  {
    name: 'cgroups',
    look: async () => ok(cgroupLayout()),
  },
  {
    name: '/dev/kvm',
    look: async () =>
      ok(existsSync('/dev/kvm') ? 'there, not tested (no grade uses it yet)' : 'not there (no grade uses it yet)'),
  },
  { name: 'disk', look: async () => diskFinding() },
  { name: 'port', look: () => portFinding() },
];

/** Which of the three layouts the machine has. */
const cgroupLayout = (): string => {
  if (existsSync('/sys/fs/cgroup/cgroup.controllers')) {
    return `v2: ${readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').trim()}`;
  }
  accessSync('/sys/fs/cgroup/memory');
  return existsSync('/sys/fs/cgroup/unified') ? 'hybrid' : 'v1';
};

const diskFinding = (): ReturnType<typeof ok> => {
  let directory = stateDirectory();
  while (!existsSync(directory)) {
    directory = dirname(directory);
  }
  const { bavail, bsize } = statfsSync(directory);
  const text = `${formatBytes(bavail * bsize)} free at ${directory}`;
  return bavail * bsize >= neededDiskBytes ? ok(text) : warn(text, 'set-up and some boxes want 3 GiB');
};

const portFinding = async (): Promise<ReturnType<typeof ok>> => {
  const paths = statePaths();
  const port = readInstallation(paths)?.port ?? 8080;
  if (readSupervisorState(paths) !== undefined) {
    return ok(`${port}, used by this Berth`);
  }
  return (await portIsFree(port, listenAddress()))
    ? ok(`${port} is free`)
    : fail(`${port} is taken by ${portOwner(port)}`, './berth up --port <another>');
};
