import { execFile } from 'node:child_process';
import { access, constants, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { HostDescription } from '../contract/index.ts';
import type { HelperResult } from '../helper/helper-process.ts';
import type { HostConfiguration } from './configuration.ts';
import type { HostParts } from './host-parts.ts';
import { selfTest } from './self-test.ts';

const run = promisify(execFile);

/** What this machine can isolate boxes by, and why not where it cannot. Each reason says what to do about it. */
export async function testIsolations(parts: HostParts): Promise<HostDescription['isolations']> {
  const hello = await parts.helper.call('hello', {});
  const reason = (await findObstacle(parts.configuration, hello)) ?? (await selfTest(parts));
  return [
    { isolation: 'container', usable: reason === undefined, ...(reason === undefined ? {} : { reason }) },
    { isolation: 'gvisor', usable: false, reason: 'this version of the host has no gVisor runtime' },
    { isolation: 'microvm', usable: false, reason: 'this version of the host has no microVM runtime' },
  ];
}

async function findObstacle(
  { runtime, guestBinary }: HostConfiguration,
  hello: HelperResult<'hello'>,
): Promise<string | undefined> {
  try {
    await run(runtime, ['--version'], { timeout: 10_000 });
  } catch (error) {
    return `OCI runtime ${runtime} does not run: ${error instanceof Error ? error.message : String(error)}`;
  }
  try {
    await access(guestBinary, constants.X_OK);
  } catch {
    return `the guest program is missing: ${guestBinary}`;
  }
  const namespaces = await readFile('/proc/sys/user/max_user_namespaces', 'utf8').catch(() => '0');
  if (Number(namespaces) === 0) {
    return 'the kernel has no user namespaces (sysctl user.max_user_namespaces is 0)';
  }
  return hello.idmap ? undefined : 'the kernel has no ID-mapped mounts of this file system (Linux 5.19 or later)';
}
