import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { BuildLimits } from '../contract/index.ts';
import { Turns } from '../local/turns.ts';
import { defaultBase, isDefaultName, type LocalBase, localBase } from './base-names.ts';
import type { BuildLog } from './build-log.ts';
import type { BuildParts } from './build-parts.ts';
import type { ImageRow } from './build-rows.ts';
import { BuildSandbox } from './build-sandbox.ts';
import type { ImageImporter } from './image-importer.ts';
import { LogReader } from './log-reader.ts';

const run = promisify(execFile);

const SCRIPT = new URL('../../images/base/build.sh', import.meta.url).pathname;
const ALONE = ['--pdeathsig', 'KILL', 'unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
const MAKE_TIMEOUT_MS = 20 * 60_000;
const REGISTRY = 'https://registry-1.docker.io/v2/';
const REGISTRY_TIMEOUT_MS = 3_000;
/** How long the answer to whether a registry can be reached holds. */
const REACHABLE_MS = 5 * 60_000;

const LIMITS: BuildLimits = {
  timeoutMs: 15 * 60_000,
  cpus: 2,
  memoryBytes: 2 * 2 ** 30,
  diskBytes: 16 * 2 ** 30,
  processes: 256,
};

/** The account of boxes that nobody wishes otherwise. */
const USER = { name: 'user', uid: 1000, gid: 1000, home: '/home/user' };

/** A base that a Dockerfile names, as an image of this host. */
export interface FoundBase {
  readonly image: ImageRow;
  readonly standIn: string | undefined;
}

/** The host's own base images: made when first asked for, once, and kept as a part of the cache. */
export class BaseImages {
  readonly #parts: BuildParts;
  readonly #importer: ImageImporter;
  readonly #turns = new Turns();
  #asked: { readonly atMs: number; readonly answer: Promise<boolean> } | undefined;

  constructor(parts: BuildParts, importer: ImageImporter) {
    this.#parts = parts;
    this.#importer = importer;
  }

  /** Whether names that are not here may be pulled. What was found out a while ago counts until it is known anew. */
  async canPull(): Promise<boolean> {
    const { bases, registriesFile } = this.#parts.settings;
    if (bases !== 'auto') {
      return bases === 'registry';
    }
    if (registriesFile !== undefined) {
      return true;
    }
    if (this.#asked === undefined || Date.now() - this.#asked.atMs > REACHABLE_MS) {
      this.#asked = { atMs: Date.now(), answer: reachable() };
    }
    return this.#asked.answer;
  }

  /**
   * The image for a name of a Dockerfile; undefined for one that is to be pulled, or that nobody has.
   * @throws Error when it has to be made and cannot
   */
  async find(name: string, log: BuildLog, signal: AbortSignal): Promise<FoundBase | undefined> {
    if (isDefaultName(name)) {
      return this.default(log, signal);
    }
    const base = localBase(name, process.versions.node.split('.')[0] ?? '');
    if (base === undefined || (await this.canPull())) {
      return undefined;
    }
    log.append('info', `${name}: no registry can be reached; ${base.says}`);
    const image = await this.#ensure(base, name, log, signal);
    return { image, standIn: `${name}: ${image.standIn ?? base.says}` };
  }

  /** The host's default image as a base. */
  async default(log: BuildLog, signal: AbortSignal): Promise<FoundBase> {
    const { imageRootfs } = this.#parts.configuration;
    if (imageRootfs === undefined) {
      throw new Error('no default image is configured');
    }
    // A new default image is another base.
    const key = `default-${basename(dirname(imageRootfs))
      .replace(/[^A-Za-z0-9-]/g, '-')
      .slice(-24)}`;
    return { image: await this.#ensure({ ...defaultBase, key }, 'the default image', log, signal), standIn: undefined };
  }

  #ensure(base: LocalBase, name: string, log: BuildLog, signal: AbortSignal): Promise<ImageRow> {
    const id = `base-${base.key}`;
    return this.#turns.run(id, async () => {
      const { builds } = this.#parts;
      const existing = builds.images.get(id);
      if (existing !== undefined) {
        return existing;
      }
      signal.throwIfAborted();
      log.append('info', `making the base for ${name}; this is done once`);
      const begunMs = performance.now();
      const image = await this.#make(id, base, log);
      log.append('info', `the base for ${name} is ready (${Math.round((performance.now() - begunMs) / 1000)} s)`);
      return image;
    });
  }

  async #make(id: string, base: LocalBase, log: BuildLog): Promise<ImageRow> {
    const { log: hostLog, paths } = this.#parts;
    const sandbox = new BuildSandbox(this.#parts, id, { limits: LIMITS, stores: [] });
    const directory = join(paths.contexts, id);
    // What an attempt that was broken off has left.
    await sandbox.remove();
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { mode: 0o755 });
    const reader = new LogReader(log, (line) => line);
    try {
      const standIn = await this.#makeArchive(base, join(directory, 'rootfs.tar'), log);
      await sandbox.start(false);
      const end = await sandbox.run(
        {
          secrets: {},
          context: directory,
          plan: {
            dockerfile: 'FROM scratch\nADD rootfs.tar /\nCMD ["bash"]\n',
            pull: false,
            names: [],
            pullTimeoutMs: 0,
            finished: new Map(),
            spec: { id, context: true, arguments: {}, steps: [], user: USER, cacheScope: 'base' },
          },
        },
        (bytes) => reader.write(bytes),
      );
      if (!end.complete) {
        throw new Error(`the base ${base.key} could not be made: ${reader.tail.at(-1) ?? 'nothing was said'}`);
      }
      const nothing = { scope: '', secretsMark: '', recipe: '', finish: '', finished: [], visible: [] } as const;
      return await this.#importer.take({
        buildId: id,
        work: sandbox.work,
        base: base.key,
        phase: 'base',
        standIn,
        ...nothing,
      });
    } finally {
      await rm(directory, { recursive: true, force: true });
      await sandbox
        .remove()
        .catch((error: unknown) => hostLog.error({ id, error: String(error) }, 'sandbox not removed'));
    }
  }

  /** @returns what it is, where it is not what it was to be */
  async #makeArchive(base: LocalBase, archive: string, log: BuildLog): Promise<string | undefined> {
    const { imageRootfs } = this.#parts.configuration;
    if (base.family === 'default') {
      await run('tar', ['--create', '--file', archive, '--directory', imageRootfs ?? '', '--numeric-owner', '.']);
      return undefined;
    }
    try {
      await this.#bootstrap([base.family, base.suite, base.kind, archive], {}, log);
      return undefined;
    } catch (error) {
      if (base.family !== 'ubuntu') {
        throw error;
      }
      log.append(
        'warn',
        `Ubuntu's packages cannot be fetched (${lastLine(error)}): a Debian that says so stands in for it`,
      );
      await this.#bootstrap(['debian', 'bookworm', 'stand-in', archive], { BERTH_STAND_IN_FOR: base.suite }, log);
      return `a Debian bookworm that stands in for Ubuntu ${base.suite}`;
    }
  }

  async #bootstrap(
    words: readonly string[],
    environment: Readonly<Record<string, string>>,
    log: BuildLog,
  ): Promise<void> {
    const nodeHome = dirname(dirname(dirname(dirname(process.execPath))));
    const directory = join(this.#parts.paths.run, 'bases');
    await mkdir(directory, { recursive: true, mode: 0o755 });
    // Whatever ends this process ends all of it, mounts included.
    const running = run('setpriv', [...ALONE, SCRIPT, ...words, directory], {
      env: { ...process.env, ...environment, BERTH_NODE_HOME: nodeHome },
      timeout: MAKE_TIMEOUT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: 64 * 2 ** 20,
    });
    const reader = new LogReader(log, (line) => line);
    running.child.stdout?.on('data', (bytes: Buffer | string) => reader.write(Buffer.from(bytes)));
    running.child.stderr?.on('data', (bytes: Buffer | string) => reader.write(Buffer.from(bytes)));
    await running.catch((error: unknown) => {
      throw new Error(`${words[0]} ${words[1]} could not be fetched: ${lastLine(error)}`, { cause: error });
    });
  }
}

function lastLine(error: unknown): string {
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error);
  return said.split('\n').at(-1)?.slice(0, 300) ?? '';
}

async function reachable(): Promise<boolean> {
  try {
    const { status } = await fetch(REGISTRY, { signal: AbortSignal.timeout(REGISTRY_TIMEOUT_MS) });
    return status < 500;
  } catch {
    return false;
  }
}
