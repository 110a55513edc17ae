import { chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Isolation } from '../contract/index.ts';
import { listenOn } from '../link/socket-listener.ts';
import { cgroupDirectories } from '../runtimes/oci/cgroup-layout.ts';
import type { MemoryCommands, Runtime, RuntimeStep } from '../runtimes/runtime.ts';
import type { HostConfiguration } from './configuration.ts';
import { cgroupsPathOf, type HostParts } from './host-parts.ts';
import { removeImage } from './memory-image.ts';

/** Not ids that a box can have here: the sweep takes their remains away. */
const selfTestId = (isolation: Isolation) => `self-test-${isolation}`;
/** Outer ids of root, beyond those of any box. */
const owners: Readonly<Record<Isolation, number>> = {
  container: 0xf000_0000,
  gvisor: 0xf001_0000,
  microvm: 0xf002_0000,
};
const SIZE = { cpus: 1, memoryBytes: 128 * 2 ** 20, diskBytes: 32 * 2 ** 20, processes: 16 };
/** No less patience than this, however little the installation has with commands about boxes. */
const LEAST_TIMEOUT_MS = 10_000;

/** Why boxes of a grade cannot be had, and why their memory cannot be kept where the runtime should be able to. */
export interface Faults {
  readonly box?: string;
  readonly memory?: string;
}

/**
 * Starts and ends one box for real, on an empty image: runtime, user namespace, mounts, seccomp, cgroups and network as boxes get them, until its
 * guest has dialled; then, where the runtime can, the same out of its memory.
 */
export async function selfTest(parts: HostParts, isolation: Isolation, runtime: Runtime): Promise<Faults> {
  const test = new TestBox(parts, isolation, runtime);
  try {
    await test.prepare();
    const box = await test.start(runtime.run(...test.names));
    if (box !== undefined || runtime.memory === undefined) {
      await test.kill();
      return box === undefined ? {} : { box };
    }
    const memory = await keepMemory(test, runtime.memory);
    return memory === undefined ? {} : { memory };
  } catch (error) {
    return { box: `the self-test failed: ${problem(error)}` };
  } finally {
    await test.clean();
  }
}

async function keepMemory(test: TestBox, commands: MemoryCommands): Promise<string | undefined> {
  const [id, bundle, pidFile, logFile] = test.names;
  let step = 'pause';
  try {
    await test.run(commands.pause(id, logFile));
    step = 'checkpoint';
    await test.run(commands.checkpoint(id, test.image, logFile, false));
    await test.kill();
    await test.prepare();
    step = 'restore';
    const fault = await test.start(commands.restore(id, test.image, bundle, pidFile, logFile));
    await test.kill();
    return fault === undefined ? undefined : `the self-test of keeping memory failed at its ${step}: ${fault}`;
  } catch (error) {
    return `the self-test of keeping memory failed at its ${step}: ${problem(error)}`;
  }
}

const problem = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** The box of a self-test. */
class TestBox {
  readonly #parts: HostParts;
  readonly #isolation: Isolation;
  readonly #runtime: Runtime;
  #started: { readonly pid: number; readonly startTimeTicks: number; readonly netSlot: number } | undefined;
  #guest: Awaited<ReturnType<typeof listenForGuest>> | undefined;

  constructor(parts: HostParts, isolation: Isolation, runtime: Runtime) {
    this.#parts = parts;
    this.#isolation = isolation;
    this.#runtime = runtime;
  }

  get #id(): string {
    return selfTestId(this.#isolation);
  }

  get #timeoutMs(): number {
    return selfTestTimeoutMs(this.#parts.configuration);
  }

  /** Id, bundle, pid file and log, as runtimes are given them. */
  get names(): [string, string, string, string] {
    const bundle = this.#parts.paths.bundle(this.#id);
    return [this.#id, bundle, join(bundle, 'pid'), join(bundle, 'runtime.log')];
  }

  get image(): string {
    return this.#parts.paths.boxMemory(this.#id);
  }

  async prepare(): Promise<void> {
    await this.#clear();
    await prepare(this.#parts, this.#isolation, this.#runtime);
    await mkdir(this.image, { recursive: true, mode: 0o700 });
  }

  /** @returns why its guest is not there; undefined when it is */
  async start(command: string[]): Promise<string | undefined> {
    const { helper, paths } = this.#parts;
    const [id, bundle, pidFile] = this.names;
    this.#guest = await listenForGuest(this.#parts, this.#isolation);
    this.#started = await helper.call('boxStart', {
      boxId: id,
      bundle,
      layers: [{ path: join(bundle, 'image'), ownerBase: 0 }],
      upper: join(paths.subvolume(id), 'upper'),
      work: join(paths.subvolume(id), 'work'),
      ownerBase: owners[this.#isolation],
      runtime: command,
      runtimeDelete: this.#runtime.delete(id),
      pidFile,
      timeoutMs: this.#timeoutMs,
    });
    const answered = await this.#guest.dialled;
    this.#guest.close();
    return answered ? undefined : 'the guest did not reach the host in the self-test';
  }

  async run(step: RuntimeStep): Promise<void> {
    await this.#parts.helper.call('runtimeRun', { boxId: this.#id, ...step, timeoutMs: this.#timeoutMs });
  }

  async kill(): Promise<void> {
    if (this.#started !== undefined) {
      const kill = { boxId: this.#id, ...this.#started, cgroups: this.#cgroups, timeoutMs: this.#timeoutMs };
      this.#started = undefined;
      const { killed } = await this.#parts.helper.call('boxKill', kill);
      if (!killed) {
        throw new Error('the guest ended by itself');
      }
    }
  }

  /** Whatever came of it. */
  async clean(): Promise<void> {
    this.#guest?.close();
    await this.kill().catch(() => undefined);
    await this.#clear();
    await removeImage(this.image);
  }

  async #clear(): Promise<void> {
    const { helper, paths } = this.#parts;
    const [id, bundle] = this.names;
    await helper.call('cgroupsRemove', { paths: this.#cgroups });
    await helper.call('subvolumeDelete', { path: paths.subvolume(id) });
    for (const path of [bundle, paths.link(id), this.#runtime.stateDirectory(id)]) {
      await rm(path, { recursive: true, force: true });
    }
  }

  get #cgroups(): string[] {
    const { cgroups, configuration } = this.#parts;
    return cgroupDirectories(cgroups, cgroupsPathOf(configuration, this.#id));
  }
}

/** A machine on which boxes are given longer to start gets as long to show that it can. */
export const selfTestTimeoutMs = ({ runtimeTimeoutMs }: Pick<HostConfiguration, 'runtimeTimeoutMs'>): number =>
  Math.max(LEAST_TIMEOUT_MS, runtimeTimeoutMs);

/** Listens where the guest dials. */
async function listenForGuest({ paths, configuration }: HostParts, isolation: Isolation) {
  const owner = owners[isolation];
  const { promise: dialled, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), selfTestTimeoutMs(configuration));
  const server = await listenOn(paths.linkSocket(selfTestId(isolation)), { uid: owner, gid: owner }, (socket) => {
    socket.destroy();
    resolve(true);
  });
  const close = () => {
    clearTimeout(timer);
    server.close();
  };
  return { dialled, close };
}

async function prepare(parts: HostParts, isolation: Isolation, runtime: Runtime): Promise<void> {
  const { helper, paths, configuration, machine, process } = parts;
  const id = selfTestId(isolation);
  const ownerBase = owners[isolation];
  const [bundle, link, meminfo] = [paths.bundle(id), paths.link(id), paths.meminfo(id)];
  await helper.call('subvolumeCreate', { path: paths.subvolume(id), limitBytes: SIZE.diskBytes, ownerBase });
  await writeFile(meminfo, '');
  await chown(meminfo, ownerBase, ownerBase);
  await mkdir(join(bundle, 'rootfs'), { recursive: true, mode: 0o711 });
  await mkdir(join(bundle, 'image'), { mode: 0o755 });
  await mkdir(link, { recursive: true, mode: 0o711 });
  await writeFile(join(link, 'meminfo'), '');
  const config = runtime.bundle({
    hostname: 'self-test',
    size: SIZE,
    slot: 0,
    ownerBase,
    cgroupsPath: cgroupsPathOf(configuration, id),
    files: { guestBinary: configuration.guestBinary, linkDirectory: link, meminfo },
    machine,
    process,
    pace: 'limited',
  });
  await writeFile(join(bundle, 'config.json'), JSON.stringify(config), { mode: 0o600 });
}
