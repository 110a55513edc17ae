import { existsSync } from 'node:fs';
import { chown, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildLimits } from '../contract/index.ts';
import { cgroupsPathOf } from '../local/host-parts.ts';
import { cgroupDirectories } from '../runtimes/oci/cgroup-layout.ts';
import { readOomKills } from '../runtimes/oci/cgroup-usage.ts';
import { RuntimeCommand } from '../runtimes/oci/runtime-command.ts';
import { buildBundle } from './build-bundle.ts';
import { type BuildParts, placeOf, type RunningSandbox } from './build-parts.ts';
import { type PlanWish, writePlan, writeScripts } from './build-plan.ts';
import { BuildPipes } from './pipes.ts';
import { makeEtc, makeSkeleton } from './sandbox-root.ts';

const START_TIMEOUT_MS = 60_000;
const KILL_TIMEOUT_MS = 20_000;
const DRAIN_TIMEOUT_MS = 10_000;
/** What build.sh writes at its very end. */
const LAST_RESULT = 'result/image';

/** What is settled when a sandbox starts. */
export interface SandboxFrame {
  readonly limits: BuildLimits;
  /** Ids of the stores in which it may find layers, those most likely first. */
  readonly stores: readonly string[];
}

/** What a sandbox is told to do, once. */
export interface SandboxJob {
  readonly plan: PlanWish;
  readonly secrets: Readonly<Record<string, string>>;
  /** An archive or a directory, which it takes for itself. */
  readonly context: string | undefined;
}

/** How a sandbox ended. `waitStatus` is null where nobody saw it; what it has left says then whether it came to its end. */
export interface SandboxEnd {
  readonly waitStatus: number | null;
  readonly complete: boolean;
  readonly oomKills: number;
  readonly usedBytes: number;
}

interface Running {
  readonly pid: number;
  readonly startTimeTicks: number;
  readonly netSlot: number;
}

/**
 * The place that one build runs in: buildah and the steps it starts, in namespaces, a cgroup and a network slot like those of a box, with no guest and no memory of
 * earlier builds but their read-only stores. It is started, told once what to do, and removed.
 *
 * The whole of buildah is in it, not only its steps, for buildah itself reads what strangers wrote (archives, Dockerfiles that name files and addresses), and earlier versions let
 * mounts of a step out of the step: from here that leads nowhere.
 */
export class BuildSandbox implements RunningSandbox {
  readonly #parts: BuildParts;
  readonly #id: string;
  readonly #frame: SandboxFrame;
  readonly #pipes: BuildPipes;
  readonly #exit = Promise.withResolvers<number | null>();
  #running: Running | undefined;
  #hasEnded = false;
  #take: (bytes: Buffer) => void = () => undefined;

  /** @param id no other sandbox, and no box, has it */
  constructor(parts: BuildParts, id: string, frame: SandboxFrame) {
    this.#parts = parts;
    this.#id = id;
    this.#frame = frame;
    this.#pipes = new BuildPipes(join(this.#bundle, 'pipes'));
  }

  get stores(): readonly string[] {
    return this.#frame.stores;
  }

  /** Where it is among cgroups, bundles and containers. */
  get place(): string {
    return placeOf(this.#id);
  }

  /** Whether it has begun and not ended. */
  get alive(): boolean {
    return this.#running !== undefined && !this.#hasEnded;
  }

  /** Resolves when its first process has ended, by itself or not. */
  get over(): Promise<unknown> {
    return this.#exit.promise;
  }

  get running(): Running | undefined {
    return this.#running;
  }

  /** Where it leaves its results, once it has ended. */
  get work(): string {
    return join(this.#parts.paths.build(this.#id), 'build');
  }

  /** Starts it, as far as it goes without knowing what for. `isReady`: it waits for that for a while, and makes ready meanwhile what it can. */
  async start(isReady: boolean): Promise<void> {
    const { helper, paths } = this.#parts;
    await this.#prepare(isReady);
    const runtime = this.#runtime;
    const { place } = this;
    const started = await helper.call('boxStart', {
      boxId: place,
      bundle: this.#bundle,
      layers: [{ path: join(this.#bundle, 'skeleton'), ownerBase: 0 }],
      upper: join(paths.build(this.#id), 'upper'),
      work: join(paths.build(this.#id), 'work'),
      ownerBase: this.#parts.ownerBase,
      runtime: runtime.run(place, this.#bundle, join(this.#bundle, 'pid'), join(this.#bundle, 'runtime.log')),
      runtimeDelete: runtime.delete(place),
      pidFile: join(this.#bundle, 'pid'),
      timeoutMs: START_TIMEOUT_MS,
    });
    this.#running = started;
    this.#parts.sandboxes.set(place, this);
    await this.watch();
  }

  /** Has it do this, and resolves when it has ended by itself. `take` gets its raw output. */
  async run(job: SandboxJob, take: (bytes: Buffer) => void): Promise<SandboxEnd> {
    const { cgroups, configuration, helper, paths } = this.#parts;
    this.#take = take;
    if (job.context !== undefined) {
      await rename(job.context, join(this.#given, 'context'));
    }
    await writePlan(join(this.#bundle, 'plan'), job.plan);
    // It waits for this: what ends before it is watched would look like one that never began.
    this.#pipes.send(secretLines(job.secrets)).catch(() => undefined);
    const waitStatus = await this.#exit.promise;
    const isComplete = waitStatus === 0 || (waitStatus === null && existsSync(join(this.work, LAST_RESULT)));
    if (isComplete) {
      // With its first process went all the others.
      await this.#pipes.drain(DRAIN_TIMEOUT_MS);
      return { waitStatus, complete: true, oomKills: 0, usedBytes: 0 };
    }
    const [oomKills, { usedBytes }] = await Promise.all([
      readOomKills(cgroups, cgroupsPathOf(configuration, this.place)),
      helper.call('subvolumeUsage', { path: paths.build(this.#id) }),
    ]);
    this.#parts.sandboxes.delete(this.place);
    await this.kill();
    await this.#pipes.drain(DRAIN_TIMEOUT_MS);
    return { waitStatus, complete: false, oomKills, usedBytes };
  }

  /** The helper may be a new one. */
  async watch(helper: Pick<BuildParts['helper'], 'call'> = this.#parts.helper): Promise<void> {
    if (this.#running !== undefined) {
      const { pid, startTimeTicks } = this.#running;
      await helper.call('boxWatch', { boxId: this.place, pid, startTimeTicks });
    }
  }

  exited(pid: number, waitStatus: number | null): void {
    if (this.#running?.pid === pid) {
      this.#hasEnded = true;
      this.#exit.resolve(waitStatus);
    }
  }

  /** Ends every process of it and frees network and cgroups. */
  async kill(): Promise<void> {
    const { cgroups, configuration, helper } = this.#parts;
    const { place } = this;
    const directories = cgroupDirectories(cgroups, cgroupsPathOf(configuration, place));
    if (this.#running === undefined) {
      await helper.call('cgroupsRemove', { paths: directories });
    } else {
      const { pid, startTimeTicks, netSlot } = this.#running;
      const timeoutMs = KILL_TIMEOUT_MS;
      await helper.call('boxKill', { boxId: place, pid, startTimeTicks, cgroups: directories, netSlot, timeoutMs });
    }
  }

  /** Removes all that it has on the disk. Repeatable, and from every half-done state. */
  async remove(): Promise<void> {
    const { helper, paths, sandboxes } = this.#parts;
    sandboxes.delete(this.place);
    await this.kill();
    await this.#pipes.drain(DRAIN_TIMEOUT_MS);
    await rm(this.#runtime.stateDirectory(this.place), { recursive: true, force: true });
    await rm(this.#bundle, { recursive: true, force: true });
    await rm(this.#given, { recursive: true, force: true });
    await helper.call('subvolumeDelete', { path: paths.build(this.#id) });
  }

  get #bundle(): string {
    return this.#parts.paths.bundle(this.place);
  }

  /** On the volume, as contexts are: what it is given is moved, not copied. */
  get #given(): string {
    return `${this.#parts.paths.context(this.#id)}.given`;
  }

  get #runtime(): RuntimeCommand {
    return new RuntimeCommand(this.#parts.configuration.runtime, this.#parts.paths.runcRoot);
  }

  async #prepare(isReady: boolean): Promise<void> {
    const { configuration, helper, machine, ownerBase, paths, process } = this.#parts;
    const { limits } = this.#frame;
    const [bundle, subvolume] = [this.#bundle, paths.build(this.#id)];
    const stores = new Map(this.#frame.stores.map((id, index) => [String(index), paths.imageStore(id)]));
    await helper.call('subvolumeCreate', { path: subvolume, limitBytes: limits.diskBytes, ownerBase });
    await mkdir(this.work, { mode: 0o700 });
    await chown(this.work, ownerBase, ownerBase);
    await mkdir(this.#given, { mode: 0o755 });
    await mkdir(join(bundle, 'rootfs'), { recursive: true, mode: 0o711 });
    await makeSkeleton(join(bundle, 'skeleton'));
    await makeEtc(join(bundle, 'etc'), [...stores.keys()], this.#parts);
    await writeScripts(join(bundle, 'plan'), configuration.guestBinary);
    await this.#pipes.open(ownerBase, (bytes) => this.#take(bytes));
    const config = buildBundle({
      limits,
      slot: configuration.owners.boxes,
      ownerBase,
      cgroupsPath: cgroupsPathOf(configuration, this.place),
      machine,
      process,
      etc: join(bundle, 'etc'),
      plan: join(bundle, 'plan'),
      pipes: join(bundle, 'pipes'),
      given: this.#given,
      work: this.work,
      stores,
      isReady,
    });
    await writeFile(join(bundle, 'config.json'), JSON.stringify(config), { mode: 0o600 });
  }
}

/** What build.sh reads: a line a secret, one (`-`) with the text that runtime.sh puts into a bundle's environment, and one that ends it. */
function secretLines(secrets: Readonly<Record<string, string>>): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const entries = Object.entries(secrets);
  const environment = entries.map(([name, value]) => `${JSON.stringify(`${name}=${value}`)},`).join('');
  const first = entries.length === 0 ? [] : [`- ${base64(environment)}`];
  const lines = [...first, ...entries.map(([name, value]) => `${name} ${base64(value)}`), '.'];
  return `${lines.join('\n')}\n`;
}
