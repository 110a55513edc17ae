import type { BuildFailure, BuildLogLine, BuildSpec, BuildState, ImageState } from '../contract/index.ts';
import { readFakeDockerfile } from './fake-dockerfile.ts';

/** One build of a FakeHost. It runs only where it is told to. */
export class FakeBuild {
  readonly spec: BuildSpec;
  readonly log: BuildLogLine[] = [];
  state: BuildState;
  readonly #emit: (state: BuildState) => void;
  readonly #waiters = new Set<() => void>();

  constructor(spec: BuildSpec, emit: (state: BuildState) => void) {
    this.spec = spec;
    this.#emit = emit;
    this.state = { id: spec.id, phase: 'queued', createdMs: Date.now(), logLines: 0 };
  }

  get ended(): boolean {
    return this.state.phase !== 'queued' && this.state.phase !== 'running';
  }

  start(): void {
    if (this.state.phase === 'queued') {
      this.#change({ phase: 'running', startedMs: Date.now() });
    }
  }

  /** Runs to its end. @returns the image, unless it failed */
  finish(
    failure: { readonly failure: BuildFailure; readonly detail: string } | undefined,
    base: ImageState | undefined,
  ): ImageState | undefined {
    const recipe = readFakeDockerfile(this.spec);
    for (const line of recipe.lines) {
      this.#write('info', line);
    }
    if (failure ?? recipe.failedAt) {
      const end = failure ?? { failure: 'build_failed' as const, detail: `step failed: ${recipe.failedAt}` };
      this.#write('error', end.detail);
      this.#change({ phase: 'failed', ...end, endedMs: Date.now() });
      return undefined;
    }
    const { command, environment, labels, workdir, user } = recipe;
    const image: ImageState = {
      id: this.spec.id,
      layers: [{ path: `/fake/layers/${this.spec.id}`, ownerBase: 0 }],
      environment,
      workdir,
      command: command.length === 0 ? (base?.command ?? []) : command,
      user,
      labels,
      sizeBytes: 1024 * 1024,
      createdMs: Date.now(),
    };
    this.#change({ phase: 'complete', image, endedMs: Date.now() });
    return image;
  }

  cancel(): void {
    if (!this.ended) {
      this.#change({ phase: 'cancelled', endedMs: Date.now() });
    }
  }

  fail(failure: BuildFailure, detail: string): void {
    if (!this.ended) {
      this.#change({ phase: 'failed', failure, detail, endedMs: Date.now() });
    }
  }

  async *follow(fromLine: number, follow: boolean, signal?: AbortSignal): AsyncGenerator<BuildLogLine> {
    for (let index = fromLine; !signal?.aborted; ) {
      const line = this.log[index];
      if (line) {
        index++;
        yield line;
      } else if (this.ended || !follow) {
        return;
      } else {
        await this.#changed(signal);
      }
    }
  }

  #write(level: BuildLogLine['level'], message: string): void {
    this.log.push({ index: this.log.length, timestampMs: Date.now(), level, message });
    this.state = { ...this.state, logLines: this.log.length };
    this.#wake();
  }

  #change(change: Partial<BuildState>): void {
    this.state = { ...this.state, ...change };
    this.#emit(this.state);
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiters) {
      wake();
    }
  }

  #changed(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiters.delete(done);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      this.#waiters.add(done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }
}
