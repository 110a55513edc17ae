import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import type { BuildParts } from './build-parts.ts';
import { BuildSandbox, type SandboxFrame } from './build-sandbox.ts';
import type { Collector } from './collector.ts';

/** How long a sandbox waits for a build. */
const IDLE_MS = 3 * 60_000;

interface Kept {
  readonly key: string;
  readonly sandbox: BuildSandbox;
  readonly started: Promise<void>;
  readonly timer: NodeJS.Timeout;
}

/**
 * At most one sandbox that is started before its build comes: for a build that may find the very same layers as the one before it, which is what somebody does who
 * tries a Dockerfile again. It has run nothing and seen nothing; whoever takes it is its only user.
 */
export class ReadySandbox {
  readonly #parts: BuildParts;
  readonly #collector: Collector;
  #kept: Kept | undefined;
  #removing: Promise<void> = Promise.resolve();

  constructor(parts: BuildParts, collector: Collector) {
    this.#parts = parts;
    this.#collector = collector;
  }

  /** The one that waits for such a build, which is the caller's from now on; undefined without. */
  async take(frame: SandboxFrame): Promise<BuildSandbox | undefined> {
    const kept = this.#kept;
    if (kept === undefined || kept.key !== this.#keyOf(frame)) {
      return undefined;
    }
    this.#forget(kept);
    await kept.started.catch(() => undefined);
    if (kept.sandbox.alive) {
      this.#parts.readySandboxes.delete(kept.sandbox.place);
      return kept.sandbox;
    }
    await this.#remove(kept.sandbox);
    return undefined;
  }

  /** Starts one, in place of that for other builds. */
  prepare(frame: SandboxFrame): void {
    const key = this.#keyOf(frame);
    if (this.#kept?.key === key) {
      return;
    }
    const before = this.drop();
    const id = `ready-${randomBytes(6).toString('hex')}`;
    const sandbox = new BuildSandbox(this.#parts, id, frame);
    this.#parts.readySandboxes.add(sandbox.place);
    this.#collector.hold(sandbox.place, frame.stores);
    const started = before.then(() => sandbox.start(true));
    const timer = setTimeout(() => void this.drop(), IDLE_MS);
    timer.unref();
    const kept: Kept = { key, sandbox, started, timer };
    this.#kept = kept;
    const giveUp = () => {
      if (this.#kept === kept) {
        void this.drop();
      }
    };
    started
      .then(() => sandbox.over)
      .then(giveUp, (error: unknown) => {
        this.#parts.log.warn({ error: String(error) }, 'no sandbox could be made ready');
        giveUp();
      });
  }

  /** Nothing of it is left when this resolves. */
  async drop(): Promise<void> {
    const kept = this.#kept;
    if (kept !== undefined) {
      this.#forget(kept);
      this.#removing = Promise.all([
        this.#removing,
        kept.started.catch(() => undefined).then(() => this.#remove(kept.sandbox)),
      ]).then(() => undefined);
    }
    await this.#removing;
  }

  #forget(kept: Kept): void {
    clearTimeout(kept.timer);
    this.#collector.release(kept.sandbox.place);
    this.#kept = undefined;
  }

  async #remove(sandbox: BuildSandbox): Promise<void> {
    await sandbox
      .remove()
      .catch((error: unknown) =>
        this.#parts.log.error({ place: sandbox.place, error: String(error) }, 'sandbox not removed'),
      );
    this.#parts.readySandboxes.delete(sandbox.place);
  }

  /** The operator's files are read when a sandbox starts. */
  #keyOf({ limits, stores }: SandboxFrame): string {
    const { registriesAuthFile, registriesFile } = this.#parts.settings;
    const changed = [registriesAuthFile, registriesFile].map((path) =>
      path === undefined ? 0 : (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0),
    );
    return JSON.stringify([limits, stores.toSorted(), changed]);
  }
}
