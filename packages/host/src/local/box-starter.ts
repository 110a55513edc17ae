import { existsSync } from 'node:fs';
import { chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BoxSpec, HostError } from '../contract/index.ts';
import { HelperError } from '../helper/helper-error.ts';
import type { HelperCommands } from '../helper/protocol.ts';
import { cgroupDirectories } from '../runtimes/oci/cgroup-layout.ts';
import { type Pace, writeCpuQuota } from '../runtimes/oci/cpu-limits.ts';
import { memoryTimeoutMs, type Waking } from './box-memory.ts';
import type { BoxRow } from './box-row.ts';
import { watchBox } from './box-watch.ts';
import { diskLimit, START_SLACK_BYTES } from './disk-limit.ts';
import { cgroupsPathOf, type HostParts } from './host-parts.ts';
import { Limiter } from './limiter.ts';
import { machineIdOf } from './machine-id.ts';
import { initialMeminfo } from './meminfo.ts';
import { boundProcessor } from './processor-bounds.ts';
import { requireNetwork } from './sidecars.ts';

const CONFIGURE_TIMEOUT_MS = 30_000;
/** More starts at once only wait for each other in the kernel. */
const CONCURRENT_STARTS = 4;
const START_ATTEMPTS = 3;

type Started = Required<Pick<BoxRow, 'pid' | 'startTimeTicks' | 'netSlot' | 'ipv4'>>;

/** Everything between a `starting` row and a guest that answers. */
export class BoxStarter {
  readonly #parts: HostParts;
  readonly #limiter = new Limiter(CONCURRENT_STARTS);

  constructor(parts: HostParts) {
    this.#parts = parts;
  }

  /** Starts the box's processes and records them. `signal` is aborted when the box is to be destroyed. */
  async start(spec: BoxSpec, row: BoxRow, signal: AbortSignal, waking?: Waking): Promise<void> {
    await this.#limiter.run(async () => {
      signal.throwIfAborted();
      await this.#prepare(spec, row, waking);
      for (let attempt = 1; ; attempt++) {
        signal.throwIfAborted();
        try {
          await this.#startProcesses(row, waking);
          return;
        } catch (error) {
          // Processes that may have gone on must not go on a second time over what they have written since.
          const repeatable = isLost(error) && !goesOn(row, waking);
          if (!repeatable || attempt >= START_ATTEMPTS) {
            throw error;
          }
          await this.#removeHalfStart(row);
          await this.#makeBundle(spec, row, waking);
        }
      }
    });
  }

  /** Tells the guest who it is; resolves when it has applied it. With `prepare` it goes on to get ready for the first command. */
  async configure(
    spec: BoxSpec,
    row: BoxRow,
    signal: AbortSignal,
    { prepare = false }: { readonly prepare?: boolean } = {},
  ): Promise<void> {
    const configured = this.#parts.guests.live(row.place).configure({
      hostname: spec.hostname,
      environment: { ...row.imageEnvironment, ...spec.environment },
      user: spec.user,
      nameservers: [this.#parts.nameserver()],
      hosts: [],
      memoryBytes: row.size.memoryBytes,
      machineId: machineIdOf(spec.id),
      prepare,
    });
    await bounded(configured, CONFIGURE_TIMEOUT_MS, 'the guest did not answer', signal);
  }

  async #prepare(spec: BoxSpec, row: BoxRow, waking: Waking | undefined): Promise<void> {
    const { helper, paths } = this.#parts;
    const disk = { path: paths.subvolume(row.place), snapshot: paths.sleepingDisk(row.place) };
    await Promise.all([
      this.#makeVolume(row),
      this.#makeBundle(spec, row, waking),
      this.#makeLink(row, waking),
      ...(goesOn(row, waking) ? [helper.call('subvolumeSnapshot', disk)] : []),
    ]);
  }

  async #makeVolume(row: BoxRow): Promise<void> {
    const { helper, paths, configuration } = this.#parts;
    const ownerBase = configuration.owners.baseOf(row.slot);
    const meminfo = paths.meminfo(row.place);
    const limitBytes = diskLimit(this.#parts, row) + (row.phase === 'resuming' ? START_SLACK_BYTES : 0);
    const top = row.layers[0]?.path ?? '';
    const ancestor = paths.snapshotOf(top) ?? (paths.imageStoreOf(top) === undefined ? undefined : paths.imageSeed);
    await helper.call('subvolumeCreate', {
      path: paths.subvolume(row.place),
      limitBytes,
      ownerBase,
      ...(ancestor === undefined ? {} : { descendsFrom: ancestor }),
    });
    if (!existsSync(meminfo)) {
      await writeFile(meminfo, initialMeminfo(row.size.memoryBytes), { mode: 0o644 });
      await chown(meminfo, ownerBase, ownerBase);
    }
  }

  async #makeBundle(spec: BoxSpec, row: BoxRow, waking: Waking | undefined): Promise<void> {
    const { place, isolation, slot, size } = row;
    const { paths, configuration, machine, process, runtimes } = this.#parts;
    const bundle = paths.bundle(place);
    const config = runtimes.require(isolation).bundle({
      hostname: spec.hostname,
      size,
      slot,
      ownerBase: configuration.owners.baseOf(slot),
      cgroupsPath: cgroupsPathOf(configuration, place),
      files: {
        guestBinary: configuration.guestBinary,
        linkDirectory: paths.link(place),
        meminfo: paths.meminfo(place),
      },
      machine,
      process,
      pace: paceOf(row, waking),
    });
    await mkdir(join(bundle, 'rootfs'), { recursive: true, mode: 0o711 });
    await writeFile(join(bundle, 'config.json'), JSON.stringify(config), { mode: 0o600 });
  }

  async #makeLink({ place, phase }: BoxRow, waking: Waking | undefined): Promise<void> {
    const { paths, guests } = this.#parts;
    const guest = guests.live(place);
    if (waking === undefined && phase === 'resuming') {
      await guest.boxEnded('the box was started anew, without its memory');
    } else if (waking !== undefined) {
      guest.forgetConfiguration();
    }
    if (waking?.inherited !== undefined) {
      guest.inherit(waking.inherited.heritage, waking.inherited.reason);
    }
    await mkdir(paths.link(place), { recursive: true, mode: 0o711 });
    await Promise.all([writeFile(join(paths.link(place), 'meminfo'), '', { mode: 0o444 }), guest.listen()]);
  }

  async #startProcesses(box: BoxRow, waking: Waking | undefined): Promise<void> {
    const { place, isolation, slot, layers, size } = box;
    const { paths, runtimes, store, configuration, cgroups } = this.#parts;
    const runtime = runtimes.require(isolation);
    const bundle = paths.bundle(place);
    const [pidFile, logFile] = [join(bundle, 'pid'), join(bundle, 'runtime.log')];
    const command =
      waking === undefined
        ? runtime.run(place, bundle, pidFile, logFile)
        : runtime.memory?.restore(place, waking.directory, bundle, pidFile, logFile);
    if (command === undefined) {
      throw new HostError('memoryUnsupported', `a box of the grade ${isolation} cannot start with its memory`);
    }
    const wakes = goesOn(box, waking);
    if (wakes) {
      store.update(place, { memory: 'waking' });
    }
    const starting = this.#call(box, {
      boxId: place,
      bundle,
      layers: [...layers],
      upper: join(paths.subvolume(place), 'upper'),
      work: join(paths.subvolume(place), 'work'),
      ownerBase: configuration.owners.baseOf(slot),
      runtime: command,
      runtimeDelete: runtime.delete(place),
      pidFile,
      ...(waking === undefined || runtime.memory === undefined
        ? {}
        : { readAhead: runtime.memory.pages(waking.directory) }),
      timeoutMs:
        waking === undefined ? configuration.runtimeTimeoutMs : memoryTimeoutMs(configuration, size.memoryBytes),
    });
    const started = await starting.catch((error: unknown) => {
      // Nothing of it has run: the image is as good as before.
      if (wakes && !isLost(error)) {
        store.update(place, { memory: 'kept' });
      }
      throw error;
    });
    const { pid, startTimeTicks, netSlot, ipv4 } = started;
    const row = store.update(place, { pid, startTimeTicks, netSlot, ipv4 });
    await (waking === undefined
      ? writeCpuQuota(cgroups, cgroupsPathOf(configuration, place), size)
      : boundProcessor(this.#parts, row));
    if (!(await watchBox(this.#parts, row))) {
      throw new Error('a process of the runtime ended at once');
    }
  }

  /** Has the helper start it in a network of its own, or in that of the box whose sidecar it is. */
  async #call({ networkOf }: BoxRow, args: HelperCommands['boxStart']['args']): Promise<Started> {
    const { helper, store } = this.#parts;
    if (networkOf === undefined) {
      return helper.call('boxStart', args);
    }
    const { pid, startTimeTicks, ipv4 } = requireNetwork(store, networkOf);
    const init = await helper.call('boxJoin', { ...args, networkOf: { pid, startTimeTicks } });
    return { ...init, netSlot: undefined, ipv4 };
  }

  /** The helper died in the middle: whatever the runtime had made by then goes; the bundle may be half rewritten. */
  async #removeHalfStart({ place, isolation }: BoxRow): Promise<void> {
    const { helper, paths, runtimes, cgroups, configuration } = this.#parts;
    const pidFile = join(paths.bundle(place), 'pid');
    await helper.call('cgroupsRemove', {
      paths: cgroupDirectories(cgroups, cgroupsPathOf(configuration, place)),
    });
    await Promise.all([
      rm(runtimes.require(isolation).stateDirectory(place), { recursive: true, force: true }),
      rm(pidFile, { force: true }),
    ]);
  }
}

/** Whether the processes of this very box go on, over its own disk. */
const goesOn = ({ phase }: BoxRow, waking: Waking | undefined) => waking !== undefined && phase === 'resuming';

/** Nothing of the owner runs before the processor is bounded, but what comes with its memory, for the moment until the runtime has answered. */
const paceOf = ({ phase }: BoxRow, waking: Waking | undefined): Pace => {
  if (waking !== undefined) {
    return 'waking';
  }
  return phase === 'pooling' ? 'waiting' : 'starting';
};

const isLost = (error: unknown) => error instanceof HelperError && error.code === 'lost';

/** Rejects after the time, or at once when the signal is aborted. */
function bounded(task: Promise<void>, timeoutMs: number, message: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => finish(() => reject(new Error(message))), timeoutMs);
    const onAbort = () => finish(() => reject(signal.reason));
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    task.then(
      () => finish(resolve),
      (error) => finish(() => reject(error)),
    );
  });
}
