import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, vi } from 'vitest';
import type { BuildLogLine, BuildSpec, BuildState } from '../../src/contract/index.ts';
import type { HostConfiguration } from '../../src/local/configuration.ts';
import type { LocalHost } from '../../src/local/local-host.ts';
import { buildSpec, ended, readLog } from '../contract/builds.ts';
import { type Installation, makeInstallation } from '../local-harness.ts';
import { patienceMs } from '../patience.ts';
import { makeSmallRootfs } from './small-rootfs.ts';

/** What came of one build. */
export interface Built {
  readonly spec: BuildSpec;
  readonly state: BuildState;
  readonly log: readonly BuildLogLine[];
  readonly text: string;
}

/** A host of its own for the tests of a file, whose default image is a small one. Nothing of it may be left at the end. */
export class BuildHost {
  #installation: Installation | undefined;
  #host: LocalHost | undefined;
  #rootfs = '';

  constructor(change: (configuration: HostConfiguration) => Partial<HostConfiguration> = () => ({})) {
    beforeAll(async () => {
      this.#rootfs = await makeSmallRootfs(join(await mkdtemp(join(tmpdir(), 'bi-')), 'rootfs'));
      const made = await makeInstallation({ imageRootfs: this.#rootfs });
      this.#installation = { ...made, configuration: { ...made.configuration, ...change(made.configuration) } };
      await this.open();
    }, patienceMs(60_000));
    afterAll(async () => {
      for (const { id } of await this.host.list()) {
        await this.host.destroy(id);
      }
      // What a pool makes ahead and gives back is on its way for a moment.
      await vi.waitFor(async () => expect(await this.#leaks()).toEqual([]), { timeout: patienceMs(10_000) });
      await this.host.close();
      await this.installation.remove();
      await rm(join(this.#rootfs, '..'), { recursive: true, force: true });
    }, patienceMs(60_000));
  }

  async #leaks(): Promise<Array<[string, number]>> {
    return Object.entries((await this.host.describe()).leaks).filter(([, count]) => count > 0);
  }

  get host(): LocalHost {
    if (this.#host === undefined) {
      throw new Error('the host is not up');
    }
    return this.#host;
  }

  get installation(): Installation {
    if (this.#installation === undefined) {
      throw new Error('there is no installation');
    }
    return this.#installation;
  }

  async open(): Promise<void> {
    this.#host = await this.installation.open(this.installation.configuration);
  }

  /** Starts a build, hands its context over, and waits for its end. */
  async build(dockerfile: string | undefined, change: Partial<BuildSpec> = {}, context?: Uint8Array): Promise<Built> {
    const spec = buildSpec(dockerfile, { context: context !== undefined, ...change });
    if (context !== undefined) {
      await this.host.putBuildContext(spec.id, parts(context));
    }
    await this.host.startBuild(spec);
    const state = await ended(this.host, spec.id);
    const log = await readLog(this.host, spec.id);
    return { spec, state, log, text: log.map(({ message }) => message).join('\n') };
  }

  /** The same for one that must come out well. */
  async image(dockerfile: string | undefined, change: Partial<BuildSpec> = {}, context?: Uint8Array): Promise<Built> {
    const built = await this.build(dockerfile, change, context);
    if (built.state.phase !== 'complete') {
      throw new Error(`${built.state.phase} ${built.state.failure}: ${built.text}`);
    }
    return built;
  }
}

async function* parts(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 60_000) {
    yield bytes.subarray(at, at + 60_000);
  }
}
