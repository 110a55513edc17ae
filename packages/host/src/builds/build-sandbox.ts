import { existsSync } from 'node:fs';
import { chown, copyFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildLimits } from '../contract/index.ts';
import { cgroupsPathOf } from '../local/host-parts.ts';
import { cgroupDirectories } from '../runtimes/oci/cgroup-layout.ts';
import { readOomKills } from '../runtimes/oci/cgroup-usage.ts';
import { RuntimeCommand } from '../runtimes/oci/runtime-command.ts';
import { buildBundle, STORES } from './build-bundle.ts';
import { type BuildParts, placeOf, type RunningSandbox } from './build-parts.ts';
import { type PlanWish, writePlan } from './build-plan.ts';
import { BuildPipes } from './pipes.ts';

const START_TIMEOUT_MS = 60_000;
const KILL_TIMEOUT_MS = 20_000;
const DRAIN_TIMEOUT_MS = 10_000;
/** What build.sh writes at its very end. */
const LAST_RESULT = 'result/image';

/** What a sandbox is started for. */
export interface SandboxWish {
  readonly buildId: string;
  readonly limits: BuildLimits;
  readonly plan: PlanWish;
  readonly secrets: Readonly<Record<string, string>>;
  /** Ids of the stores in which it may find layers, those most likely first. */
  readonly stores: readonly string[];
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
 * earlier builds but their read-only stores.
 *
 * The whole of buildah is in it, not only its steps, for buildah itself reads what strangers wrote (archives, Dockerfiles that name files and addresses), and earlier versions let
 * mounts of a step out of the step: from here that leads nowhere.
 */
export class BuildSandbox implements RunningSandbox {
  readonly #parts: BuildParts;
  readonly #buildId: string;
  readonly #pipes: BuildPipes;
  readonly #exit = Promise.withResolvers<number | null>();
  #running: Running | undefined;

  constructor(parts: BuildParts, buildId: string) {
    this.#parts = parts;
    this.#buildId = buildId;
    this.#pipes = new BuildPipes(join(this.#bundle, 'pipes'));
  }

  get running(): Running | undefined {
    return this.#running;
  }

  /** Where it leaves its results, once it has ended. */
  get work(): string {
    return join(this.#parts.paths.build(this.#buildId), 'build');
  }

  /** Starts it and resolves when it has ended by itself. `take` gets its raw output. */
  async run(wish: SandboxWish, take: (bytes: Buffer) => void): Promise<SandboxEnd> {
    const { cgroups, configuration, helper, paths } = this.#parts;
    await this.#prepare(wish, take);
    const place = placeOf(this.#buildId);
    const runtime = this.#runtime;
    const started = await helper.call('boxStart', {
      boxId: place,
      bundle: this.#bundle,
      layers: [{ path: join(this.#bundle, 'skeleton'), ownerBase: 0 }],
      upper: join(paths.build(this.#buildId), 'upper'),
      work: join(paths.build(this.#buildId), 'work'),
      ownerBase: this.#parts.ownerBase,
      runtime: runtime.run(place, this.#bundle, join(this.#bundle, 'pid'), join(this.#bundle, 'runtime.log')),
      runtimeDelete: runtime.delete(place),
      pidFile: join(this.#bundle, 'pid'),
      timeoutMs: START_TIMEOUT_MS,
    });
    this.#running = started;
    this.#parts.sandboxes.set(place, this);
    await this.watch();
    // It waits for this: what ends before it is watched would look like one that never began.
    this.#pipes.send(secretLines(wish.secrets)).catch(() => undefined);
    const waitStatus = await this.#exit.promise;
    const [oomKills, { usedBytes }] = await Promise.all([
      readOomKills(cgroups, cgroupsPathOf(configuration, place)),
      helper.call('subvolumeUsage', { path: paths.build(this.#buildId) }),
    ]);
    this.#parts.sandboxes.delete(place);
    await this.kill();
    await this.#pipes.drain(DRAIN_TIMEOUT_MS);
    const complete = waitStatus === 0 || (waitStatus === null && existsSync(join(this.work, LAST_RESULT)));
    return { waitStatus, complete, oomKills, usedBytes };
  }

  /** The helper may be a new one. */
  async watch(helper: Pick<BuildParts['helper'], 'call'> = this.#parts.helper): Promise<void> {
    if (this.#running !== undefined) {
      const { pid, startTimeTicks } = this.#running;
      await helper.call('boxWatch', { boxId: placeOf(this.#buildId), pid, startTimeTicks });
    }
  }

  exited(pid: number, waitStatus: number | null): void {
    if (this.#running?.pid === pid) {
      this.#exit.resolve(waitStatus);
    }
  }

  /** Ends every process of it and frees network and cgroups. */
  async kill(): Promise<void> {
    const { cgroups, configuration, helper } = this.#parts;
    const place = placeOf(this.#buildId);
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
    sandboxes.delete(placeOf(this.#buildId));
    await this.kill();
    await this.#pipes.drain(DRAIN_TIMEOUT_MS);
    await rm(this.#runtime.stateDirectory(placeOf(this.#buildId)), { recursive: true, force: true });
    await rm(this.#bundle, { recursive: true, force: true });
    await helper.call('subvolumeDelete', { path: paths.build(this.#buildId) });
  }

  get #bundle(): string {
    return this.#parts.paths.bundle(placeOf(this.#buildId));
  }

  get #runtime(): RuntimeCommand {
    return new RuntimeCommand(this.#parts.configuration.runtime, this.#parts.paths.runcRoot);
  }

  async #prepare(wish: SandboxWish, take: (bytes: Buffer) => void): Promise<void> {
    const { configuration, helper, machine, ownerBase, paths, process } = this.#parts;
    const [bundle, subvolume] = [this.#bundle, paths.build(this.#buildId)];
    const stores = new Map(wish.stores.map((id, index) => [String(index), paths.imageStore(id)]));
    await helper.call('subvolumeCreate', { path: subvolume, limitBytes: wish.limits.diskBytes, ownerBase });
    await mkdir(this.work, { mode: 0o700 });
    await chown(this.work, ownerBase, ownerBase);
    await mkdir(join(bundle, 'rootfs'), { recursive: true, mode: 0o711 });
    await this.#makeSkeleton(join(bundle, 'skeleton'));
    await this.#makeEtc(join(bundle, 'etc'), [...stores.keys()]);
    await writePlan(join(bundle, 'plan'), wish.plan);
    await this.#pipes.open(ownerBase, take);
    const config = buildBundle({
      limits: wish.limits,
      slot: configuration.owners.boxes,
      ownerBase,
      cgroupsPath: cgroupsPathOf(configuration, placeOf(this.#buildId)),
      machine,
      process,
      etc: join(bundle, 'etc'),
      plan: join(bundle, 'plan'),
      pipes: join(bundle, 'pipes'),
      work: this.work,
      stores,
      context: wish.context,
    });
    await writeFile(join(bundle, 'config.json'), JSON.stringify(config), { mode: 0o600 });
  }

  /** The root directory: links into /usr, as distributions have them. */
  async #makeSkeleton(directory: string): Promise<void> {
    await mkdir(directory, { mode: 0o755 });
    for (const name of ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32']) {
      if (existsSync(join('/usr', name))) {
        await symlink(join('usr', name), join(directory, name));
      }
    }
    for (const name of ['var/tmp', 'var/lib', 'tmp', 'root']) {
      await mkdir(join(directory, name), { recursive: true, mode: 0o755 });
    }
  }

  async #makeEtc(directory: string, stores: readonly string[]): Promise<void> {
    const { nameserver, settings } = this.#parts;
    await mkdir(join(directory, 'containers'), { recursive: true, mode: 0o755 });
    await mkdir(join(directory, 'ssl'), { mode: 0o755 });
    const put = (name: string, text: string) => writeFile(join(directory, name), text, { mode: 0o644 });
    const shortNames = '/etc/containers/registries.conf.d/shortnames.conf';
    const aliases = (await readFile(shortNames, 'utf8').catch(() => '')).replaceAll(/^\s*unqualified.*$/gm, '');
    await Promise.all([
      put('passwd', 'root:x:0:0:root:/root:/bin/bash\n'),
      put('group', 'root:x:0:\n'),
      put('hosts', '127.0.0.1\tlocalhost build\n'),
      put('resolv.conf', `nameserver ${nameserver()}\n`),
      put('containers/policy.json', JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] })),
      put('containers/storage.conf', storageConf(stores)),
      put('containers/containers.conf', '[containers]\nhttp_proxy = false\nlog_driver = "k8s-file"\n'),
      settings.registriesFile === undefined
        ? put('containers/registries.conf', `${REGISTRIES}\n${aliases}`)
        : copyFile(settings.registriesFile, join(directory, 'containers/registries.conf')),
    ]);
  }
}

const REGISTRIES = 'unqualified-search-registries = ["docker.io"]\nshort-name-mode = "permissive"';

const storageConf = (stores: readonly string[]) => `[storage]
driver = "overlay"
runroot = "/run/containers/storage"
graphroot = "/work/graph"
[storage.options]
additionalimagestores = [${stores.map((name) => `"${STORES}/${name}"`).join(', ')}]
[storage.options.overlay]
mountopt = "nodev"
`;

/** What build.sh reads: a line a secret, one (`-`) with the text that runtime.sh puts into a bundle's environment, and one that ends it. */
function secretLines(secrets: Readonly<Record<string, string>>): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const entries = Object.entries(secrets);
  const environment = entries.map(([name, value]) => `${JSON.stringify(`${name}=${value}`)},`).join('');
  const first = entries.length === 0 ? [] : [`- ${base64(environment)}`];
  const lines = [...first, ...entries.map(([name, value]) => `${name} ${base64(value)}`), '.'];
  return `${lines.join('\n')}\n`;
}
