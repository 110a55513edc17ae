import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../src/contract/index.ts';
import { connectHost } from '../src/rpc/client.ts';
import type { Installation } from './local-harness.ts';

export const hostMain = join(import.meta.dirname, '../src/main.ts');

/** A host in a process of its own, which can be killed and started again; its client stays. */
export class HostChild {
  readonly host: Host;
  readonly #installation: Installation;
  #child: ChildProcess;

  private constructor(installation: Installation) {
    this.#installation = installation;
    this.host = connectHost(join(installation.configuration.stateDirectory, 'run/host.sock'));
    this.#child = this.#spawn();
  }

  static async start(installation: Installation): Promise<HostChild> {
    const child = new HostChild(installation);
    await retried(() => child.host.list());
    return child;
  }

  /** @returns exit code and signal */
  async end(signal: NodeJS.Signals): Promise<[number | null, string | null]> {
    const ended = once(this.#child, 'exit');
    this.#child.kill(signal);
    const [code, by] = await ended;
    return [code, by];
  }

  /** Resolves when it has ended by itself. */
  async died(): Promise<void> {
    await once(this.#child, 'exit');
  }

  /** SIGKILL to the helper of this life; one that is just being started again is left alone. */
  killHelper(): void {
    const { pid } = this.#child;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
    const helper = children.find((child) => child !== '' && commandOf(child).startsWith('berth-helper'));
    if (helper !== undefined) {
      process.kill(Number(helper), 'SIGKILL');
    }
  }

  again(): void {
    this.#child = this.#spawn();
  }

  /** For good. */
  async close(): Promise<void> {
    await this.host.close();
    await this.end('SIGTERM');
  }

  #spawn(): ChildProcess {
    return spawn(process.execPath, [hostMain], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...this.#installation.environment, BERTH_LOG_LEVEL: process.env['HOST_LOG'] ?? 'error' },
    });
  }
}

/** Repeats a call until the host answers, as the control plane does. */
export async function retried<Result>(call: () => Promise<Result>): Promise<Result> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (attempt > 20 || !(error instanceof Error && 'retryable' in error && error.retryable === true)) {
        throw error;
      }
    }
  }
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8');
  } catch {
    return '';
  }
}
