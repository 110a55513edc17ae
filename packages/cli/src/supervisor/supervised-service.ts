import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { findService } from './orphans.ts';
import {
  endProcess,
  identify,
  isAlive,
  type ProcessIdentity,
  readProcessFile,
  removeProcessFile,
  writeProcessFile,
} from './process-identity.ts';
import type { ServiceDefinition, ServicePhase, ServiceState } from './service.ts';

const firstBackoffMs = 100;
const longestBackoffMs = 10_000;
/** A service that was up this long starts over with the shortest pause. */
const steadyMs = 30_000;
const pollMs = 100;

/** Keeps one service running until told to stop: starts or adopts it, and starts it again, with growing pauses, whenever it ends. */
export class SupervisedService {
  readonly #definition: ServiceDefinition;
  readonly #processFile: string;
  readonly #publish: () => void;
  readonly #stop = new AbortController();
  #state: ServiceState;
  #ready = Promise.withResolvers<void>();

  constructor(definition: ServiceDefinition, processFile: string, publish: () => void) {
    this.#definition = definition;
    this.#processFile = processFile;
    this.#publish = publish;
    this.#state = { name: definition.name, phase: 'stopped', sinceMs: Date.now(), failures: 0 };
  }

  get state(): ServiceState {
    return this.#state;
  }

  /** Resolves when the service is ready for the first time. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Runs until {@link stop}. */
  async run(): Promise<void> {
    let backoffMs = firstBackoffMs;
    while (!this.#stop.signal.aborted) {
      const startedMs = Date.now();
      const failure = await this.#runOnce().catch((error: unknown) => String(error));
      if (this.#stop.signal.aborted) {
        return;
      }
      backoffMs = Date.now() - startedMs > steadyMs ? firstBackoffMs : Math.min(backoffMs * 2, longestBackoffMs);
      this.#set('waiting', { failures: this.#state.failures + 1, lastFailure: failure });
      await pause(backoffMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  /** Ends the process and the watching of it. */
  async stop(): Promise<void> {
    this.#stop.abort();
    const process = this.#living();
    if (process !== undefined) {
      await endProcess(process, this.#definition.stopSignal, this.#definition.stopTimeoutMs);
    }
    removeProcessFile(this.#processFile);
    this.#set('stopped');
  }

  /** One life of the process. Resolves with how it ended. */
  async #runOnce(): Promise<string> {
    const adopted = this.#living();
    const { process, ended } = adopted === undefined ? await this.#start() : { process: adopted, ended: gone(adopted) };
    this.#set('starting', { process });
    let running = true;
    const end = ended.finally(() => {
      running = false;
    });
    while (running && !(await this.#definition.isReady().catch(() => false))) {
      await Promise.race([end, pause(pollMs / 2)]);
    }
    if (running) {
      await this.#definition.afterReady?.();
      this.#set('ready', { process });
      this.#ready.resolve();
    }
    const reason = await end;
    removeProcessFile(this.#processFile);
    return reason;
  }

  /** The process that runs already: the one written down, or one whose supervisor died before it could. */
  #living(): ProcessIdentity | undefined {
    const { environment, name } = this.#definition;
    return readProcessFile(this.#processFile) ?? findService(environment['BERTH_STATE'] ?? '', name);
  }

  async #start(): Promise<{ process: ProcessIdentity; ended: Promise<string> }> {
    await this.#definition.prepare?.();
    this.#stop.signal.throwIfAborted();
    const { command, environment, directory, logFile } = this.#definition;
    const log = openSync(logFile, 'a', 0o640);
    try {
      const [program = '', ...args] = command;
      const child = spawn(program, args, {
        cwd: directory,
        env: environment,
        detached: true,
        stdio: ['ignore', log, log],
      });
      const ended = childEnd(child);
      const process = child.pid === undefined ? undefined : identify(child.pid);
      if (process === undefined) {
        throw new Error(await ended);
      }
      writeProcessFile(this.#processFile, process);
      return { process, ended };
    } finally {
      closeSync(log);
    }
  }

  #set(phase: ServicePhase, change: Partial<Pick<ServiceState, 'process' | 'failures' | 'lastFailure'>> = {}): void {
    const { process: _, ...rest } = this.#state;
    this.#state = { ...rest, phase, sinceMs: Date.now(), ...change };
    this.#publish();
  }
}

const childEnd = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `exited with status ${code}` : `killed by ${signal}`),
    );
  });

/** Watches a process that is not a child of this one. */
const gone = async (process: ProcessIdentity): Promise<string> => {
  while (isAlive(process)) {
    await pause(pollMs);
  }
  return 'ended (adopted process, status unknown)';
};
