import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** How to start one process of the platform. */
export interface ProcessPlan {
  readonly name: string;
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly gid?: number;
  readonly logFile: string;
}

/** A started process: killed by its own id, never by name. */
export class ManagedProcess {
  readonly plan: ProcessPlan;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;

  constructor(plan: ProcessPlan) {
    this.plan = plan;
    const log = openSync(plan.logFile, 'a');
    const [command, ...args] = plan.argv;
    if (command === undefined) {
      throw new Error(`no command for ${plan.name}`);
    }
    this.#child = spawn(command, args, {
      env: plan.environment,
      stdio: ['ignore', log, log],
      cwd: '/',
      detached: true,
      ...(plan.uid === undefined ? {} : { uid: plan.uid }),
      ...(plan.gid === undefined ? {} : { gid: plan.gid }),
    });
    closeSync(log);
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      this.#child.once('error', () => resolve());
    });
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) {
      throw new Error(`${this.plan.name} did not start; see ${this.plan.logFile}`);
    }
    return pid;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined;
  }

  /** Sends the signal and resolves when the process is gone; after 20 s it is killed. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (!this.running) {
      return;
    }
    this.#child.kill(signal);
    const gone = await Promise.race([this.#exited.then(() => true), sleep(20_000, false, { ref: false })]);
    if (!gone) {
      this.#child.kill('SIGKILL');
      await this.#exited;
    }
  }
}

/** Resolves as soon as `probe` answers true; throws after `timeoutMs`, or at once when the process has ended, with what its log says. */
export async function until(
  what: string,
  probe: () => Promise<boolean> | boolean,
  timeoutMs: number,
  process?: ManagedProcess,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    if (
      await Promise.resolve()
        .then(probe)
        .catch(() => false)
    ) {
      return;
    }
    const ended = process?.running === false;
    if (ended || Date.now() > deadline) {
      const logFile = process?.plan.logFile;
      const log = logFile !== undefined && existsSync(logFile) ? readFileSync(logFile, 'utf8').slice(-4_000) : '';
      throw new Error(`${ended ? 'ended before' : `not so within ${timeoutMs} ms`}: ${what}\n${log}`);
    }
    await sleep(50);
  }
}
