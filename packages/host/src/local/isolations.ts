import { execFile } from 'node:child_process';
import { access, constants, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type HostDescription, HostError, type Isolation } from '../contract/index.ts';
import type { HelperResult } from '../helper/helper-process.ts';
import type { Runtime } from '../runtimes/runtime.ts';
import type { HostConfiguration } from './configuration.ts';
import type { HostParts } from './host-parts.ts';
import { type Faults, selfTest, selfTestTimeoutMs } from './self-test.ts';

const run = promisify(execFile);

type Isolations = HostDescription['isolations'];

/** Strongest first. */
const grades: readonly Isolation[] = ['microvm', 'gvisor', 'container'];

/** What this machine can isolate boxes by, and why not where it cannot. Each reason says what to do about it. */
export async function testIsolations(parts: HostParts): Promise<Isolations> {
  const hello = await parts.helper.call('hello', {});
  return Promise.all(
    grades.toReversed().map(async (isolation) => {
      const { box, memory } = await findFaults(parts, hello, isolation);
      if (box !== undefined) {
        return { isolation, usable: false, reason: box };
      }
      const keepsMemory = parts.runtimes.get(isolation)?.memory !== undefined;
      return { isolation, usable: true, ...(keepsMemory ? { memory: finding(memory) } : {}) };
    }),
  );
}

/** The grade that a box gets: the one asked for, or the strongest usable one. Never a weaker one than asked for. @throws HostError `isolationUnavailable` */
export function chooseIsolation(isolations: Isolations, wish: Isolation | 'auto'): Isolation {
  const find = (grade: Isolation) => isolations.find(({ isolation }) => isolation === grade);
  if (wish === 'auto') {
    const best = grades.find((grade) => find(grade)?.usable === true);
    if (best === undefined) {
      throw new HostError('isolationUnavailable', find('container')?.reason ?? 'this host has no runtime');
    }
    return best;
  }
  const found = find(wish);
  if (found?.usable !== true) {
    const reason = found?.reason ?? 'unknown grade';
    throw new HostError('isolationUnavailable', `this host cannot isolate a box by ${wish}: ${reason}`);
  }
  return wish;
}

const finding = (reason: string | undefined) => ({
  usable: reason === undefined,
  ...(reason === undefined ? {} : { reason }),
});

async function findFaults(parts: HostParts, hello: HelperResult<'hello'>, isolation: Isolation): Promise<Faults> {
  const runtime = parts.runtimes.get(isolation);
  if (runtime === undefined) {
    const missing = parts.configuration.runscMissing ?? 'no runsc is configured (BERTH_RUNSC)';
    return { box: isolation === 'gvisor' ? missing : 'this version of the host has no microVM runtime' };
  }
  const obstacle = await findObstacle(runtime, parts.configuration, hello);
  return obstacle === undefined ? selfTest(parts, isolation, runtime) : { box: obstacle };
}

async function findObstacle(
  { binary }: Runtime,
  configuration: HostConfiguration,
  hello: HelperResult<'hello'>,
): Promise<string | undefined> {
  try {
    await run(binary, ['--version'], { timeout: selfTestTimeoutMs(configuration) });
  } catch (error) {
    return `OCI runtime ${binary} does not run: ${error instanceof Error ? error.message : String(error)}`;
  }
  try {
    await access(configuration.guestBinary, constants.X_OK);
  } catch {
    return `the guest program is missing: ${configuration.guestBinary}`;
  }
  const namespaces = await readFile('/proc/sys/user/max_user_namespaces', 'utf8').catch(() => '0');
  if (Number(namespaces) === 0) {
    return 'the kernel has no user namespaces (sysctl user.max_user_namespaces is 0)';
  }
  return hello.idmap ? undefined : 'the kernel has no ID-mapped mounts of this file system (Linux 5.19 or later)';
}
