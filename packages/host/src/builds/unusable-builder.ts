import {
  type BuildFigures,
  type BuildLogLine,
  type BuildState,
  HostError,
  type ImageState,
} from '../contract/index.ts';
import type { LocalBuilder } from './local-builder.ts';

/** Stands in on a machine that cannot build: says why, and knows no build. */
export class UnusableBuilder implements LocalBuilder {
  readonly #reason: string;

  constructor(reason: string) {
    this.#reason = reason;
  }

  async figures(): Promise<BuildFigures> {
    return { usable: false, reason: this.#reason, running: 0, queued: 0, images: 0, storedBytes: 0 };
  }

  async startBuild(): Promise<BuildState> {
    throw this.#refusal();
  }

  async putBuildContext(): Promise<void> {
    throw this.#refusal();
  }

  async build(): Promise<undefined> {
    return undefined;
  }

  async builds(): Promise<BuildState[]> {
    return [];
  }

  async cancelBuild(): Promise<void> {
    // There is none.
  }

  async forgetBuild(): Promise<void> {
    // There is none.
  }

  // biome-ignore lint/correctness/useYield: it has nothing to yield
  async *buildLog(buildId: string): AsyncGenerator<BuildLogLine> {
    throw new HostError('buildNotFound', `no build ${buildId}`);
  }

  async images(): Promise<ImageState[]> {
    return [];
  }

  async removeImage(): Promise<void> {
    // There is none.
  }

  async pruneBuildCache(): Promise<{ readonly freedBytes: number }> {
    return { freedBytes: 0 };
  }

  async close(): Promise<void> {
    // Nothing runs.
  }

  #refusal(): HostError {
    return new HostError('buildsUnavailable', `this machine cannot build images: ${this.#reason}`);
  }
}
