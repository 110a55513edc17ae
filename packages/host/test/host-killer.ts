import { chmod, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HostChild } from './host-child.ts';
import type { Installation } from './local-harness.ts';

/** At which command to its helper the host dies. */
export interface KillOrder {
  readonly command: string;
  /** What its line contains. */
  readonly text?: string;
  /** `before` it is carried out, `after` it was and before the host hears of it, or so many milliseconds after it was sent. */
  readonly when: 'before' | 'after' | number;
}

/** A host that dies, by SIGKILL, between two steps that a test names. */
export class HostKiller {
  readonly child: HostChild;
  readonly #orderFile: string;

  private constructor(child: HostChild, orderFile: string) {
    this.child = child;
    this.#orderFile = orderFile;
  }

  static async start(installation: Installation): Promise<HostKiller> {
    const { stateDirectory, helperBinary } = installation.configuration;
    const orderFile = join(stateDirectory, 'kill-order');
    const script = join(stateDirectory, 'deadly-helper');
    const proxy = join(import.meta.dirname, 'helper/deadly-helper.ts');
    await writeFile(script, `#!/bin/sh\nexec "${process.execPath}" "${proxy}" "${helperBinary}" "${orderFile}"\n`);
    await chmod(script, 0o755);
    const environment = { ...installation.environment, BERTH_HELPER_BINARY: script };
    return new HostKiller(await HostChild.start({ ...installation, environment }), orderFile);
  }

  /** Has the call die with its host there, and starts the host again. @throws Error when the call came to its end before */
  async dieAt(order: KillOrder, call: () => Promise<unknown>): Promise<void> {
    await writeFile(`${this.#orderFile}.new`, JSON.stringify(order));
    await rename(`${this.#orderFile}.new`, this.#orderFile);
    const died = this.child.died().then(() => true);
    const outcome = call().then(
      () => false,
      () => false,
    );
    if (!(await Promise.race([died, outcome.then(() => Promise.race([died, settled()]))]))) {
      throw new Error(`the host did not die at ${JSON.stringify(order)}`);
    }
    this.child.again();
    await outcome;
  }
}

/** Resolves to false after a moment in which a death that has happened is heard of. */
const settled = () => new Promise<boolean>((resolve) => setTimeout(resolve, 1_000, false));
