import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Host } from '../src/contract/index.ts';
import { takeLock } from '../src/local/lock-file.ts';
import { parseStat } from '../src/local/process-table.ts';
import { type Installation, killInit, makeInstallation, programs } from './local-harness.ts';
import { boxSpec } from './local-spec.ts';

const run = promisify(execFile);
const teardown = join(import.meta.dirname, '../src/teardown.ts');

describe.skipIf(typeof programs === 'string')('teardown', () => {
  let installation: Installation;
  beforeEach(async () => {
    installation = await makeInstallation();
  });
  afterEach(() => installation.remove());

  async function tear(...args: string[]): Promise<unknown> {
    const { stdout } = await run(process.execPath, [teardown, ...args], { env: installation.environment });
    return JSON.parse(stdout);
  }

  /** Zombies have ended: only whoever inherited them has not looked yet. */
  const isRunning = (pid: number | undefined) =>
    existsSync(`/proc/${pid}`) && parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.state !== 'Z';
  const isMounted = () =>
    readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${installation.configuration.stateDirectory}/volume `);
  const interfaces = () =>
    readdirSync('/sys/class/net').filter((name) => name.startsWith(`${installation.configuration.interfacePrefix}-`));

  /** Boxes that are more than a memory. */
  const kept = async (host: Host) => (await host.list()).filter(({ phase }) => phase !== 'destroyed');

  it('leaves everything while a box runs, and takes it with --all', async () => {
    const host = await installation.open();
    const spec = boxSpec();
    await host.create(spec);
    const pid = host.initPid(spec.id);
    await host.close();
    expect(await tear()).toEqual({ removed: false, boxes: 1 });
    expect(isRunning(pid)).toBe(true);
    expect(await tear('--all')).toEqual({ removed: true, boxes: 0 });
    expect(isRunning(pid)).toBe(false);
    expect(isMounted()).toBe(false);
    await expect.poll(interfaces).toEqual([]);
    expect(existsSync(join(installation.configuration.stateDirectory, 'volume.img'))).toBe(false);
  });

  it('keeps the disks of stopped boxes unless all is to go', async () => {
    const host = await installation.open();
    const spec = boxSpec();
    await host.create(spec);
    killInit(host, spec.id);
    await expect.poll(() => host.inspect(spec.id), { timeout: 5_000 }).toMatchObject({ phase: 'stopped' });
    await host.close();
    expect(await tear()).toEqual({ removed: true, boxes: 0 });
    expect(isMounted()).toBe(false);
    const again = await installation.open();
    expect(await again.inspect(spec.id)).toMatchObject({ phase: 'stopped', cause: 'guest_exited' });
    expect((await again.describe()).leaks).toMatchObject({ subvolumes: 1 });
    await again.close();
  });

  it('spares suspended boxes with --running, and snapshots with --boxes', async () => {
    const [runs, sleeps] = [boxSpec(), boxSpec()];
    const host = await installation.open();
    await host.create(runs);
    await host.create(sleeps);
    await host.suspend(sleeps.id, { memory: false });
    await host.snapshot(sleeps.id, 'snp_teardown', { memory: false });
    await host.close();

    expect(await tear('--running')).toEqual({ removed: true, boxes: 0 });
    const afterRunning = await installation.open();
    expect(await kept(afterRunning)).toMatchObject([{ id: sleeps.id, phase: 'suspended' }]);
    await afterRunning.close();

    expect(await tear('--boxes')).toEqual({ removed: true, boxes: 0 });
    const afterBoxes = await installation.open();
    expect(await kept(afterBoxes)).toEqual([]);
    expect(await afterBoxes.snapshots()).toMatchObject([{ id: 'snp_teardown' }]);
    await afterBoxes.close();

    expect(await tear('--all')).toEqual({ removed: true, boxes: 0 });
    expect(existsSync(join(installation.configuration.stateDirectory, 'volume.img'))).toBe(false);
  });

  it('does nothing beside a running host', async () => {
    const { configuration } = installation;
    const host = await installation.open();
    await host.close();
    const unlock = takeLock(join(configuration.stateDirectory, 'run/host.lock'));
    await expect(tear('--all')).rejects.toThrow(/another host is running/);
    unlock();
    expect(isMounted()).toBe(true);
  });
});
