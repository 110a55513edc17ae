import type { BoxSpec, BoxState, ExecutionSpec, HostEvent, LogEntry, LogFilter, StopCause } from '../contract/index.ts';
import { HostError } from '../contract/index.ts';
import { FakeExecution } from './fake-execution.ts';
import { FakeFiles } from './fake-files.ts';
import type { FakeCommandHandler, FakeShell } from './interpreter.ts';

/** One box of a FakeHost. */
export class FakeBox {
  readonly spec: BoxSpec;
  readonly files: FakeFiles;
  readonly executions = new Map<string, FakeExecution>();
  readonly log: LogEntry[] = [];
  state: BoxState;
  readonly #handler: FakeCommandHandler;
  readonly #emit: (event: HostEvent) => void;
  readonly #shells = new Map<string, { readonly shell: FakeShell; last: Promise<void> }>();
  readonly #logWaiters = new Set<() => void>();

  constructor(spec: BoxSpec, handler: FakeCommandHandler, emit: (event: HostEvent) => void) {
    this.spec = spec;
    this.files = new FakeFiles(spec.user);
    this.#handler = handler;
    this.#emit = emit;
    this.state = { id: spec.id, phase: 'starting', isolation: 'container' };
  }

  change(state: Partial<BoxState>): void {
    this.state = { ...this.state, ...state };
    this.#emit({ type: 'box', state: this.state });
  }

  /** No process is left: unfinished executions are lost. */
  stop(phase: 'stopped' | 'destroyed', cause: StopCause, detail: string): void {
    for (const execution of this.executions.values()) {
      this.#complete(execution, { kind: 'lost', reason: detail });
    }
    this.change({ phase, cause, detail, stoppedMs: this.state.stoppedMs ?? Date.now() });
  }

  requireRunning(): void {
    if (this.state.phase !== 'running') {
      throw new HostError('boxNotRunning', `box ${this.spec.id} is ${this.state.phase}`);
    }
  }

  execution(executionId: string): FakeExecution {
    const execution = this.executions.get(executionId);
    if (!execution) {
      throw new HostError('executionNotFound', `box ${this.spec.id} has no execution ${executionId}`);
    }
    return execution;
  }

  execute(spec: ExecutionSpec): FakeExecution {
    const existing = this.executions.get(spec.executionId);
    if (existing) {
      return existing;
    }
    this.requireRunning();
    const execution = new FakeExecution(spec);
    this.executions.set(spec.executionId, execution);
    this.#append(spec, { command: spec.command });
    if (spec.shellName === undefined) {
      void this.#run(execution, { directory: this.spec.user.home, variables: new Map() });
      return execution;
    }
    const named = this.#shells.get(spec.shellName) ?? {
      shell: { directory: this.spec.user.home, variables: new Map() },
      last: Promise.resolve(),
    };
    this.#shells.set(spec.shellName, named);
    named.last = named.last.then(() => this.#run(execution, named.shell));
    return execution;
  }

  kill(executionId: string, signal: number): void {
    this.#complete(this.execution(executionId), { kind: 'killed', signal, by: 'host' });
  }

  logs(filter: LogFilter): LogEntry[] {
    const wanted = this.log.filter(
      (entry) =>
        (filter.executionId === undefined || entry.executionId === filter.executionId) &&
        (filter.shellName === undefined || entry.shellName === filter.shellName),
    );
    return filter.limit === undefined ? wanted : wanted.slice(-filter.limit);
  }

  async *followLogs(filter: LogFilter, signal: AbortSignal): AsyncGenerator<LogEntry> {
    const unlimited: LogFilter = {
      ...(filter.executionId === undefined ? {} : { executionId: filter.executionId }),
      ...(filter.shellName === undefined ? {} : { shellName: filter.shellName }),
    };
    let at = Math.max(0, this.logs(unlimited).length - (filter.limit ?? Number.POSITIVE_INFINITY));
    while (!signal.aborted) {
      const entry = this.logs(unlimited)[at];
      if (entry) {
        at++;
        yield entry;
      } else {
        await this.#logGrows(signal);
      }
    }
  }

  async #run(execution: FakeExecution, shell: FakeShell): Promise<void> {
    if (execution.status === 'completed') {
      return;
    }
    execution.started();
    const environment = { HOME: this.spec.user.home, USER: this.spec.user.name, ...this.spec.environment };
    try {
      const code = await this.#handler({
        command: execution.spec.command,
        environment: { ...environment, ...execution.spec.environment },
        shell,
        stdin: execution.stdin(),
        signal: execution.abort.signal,
        stdout: (bytes) => execution.append('stdout', bytes),
        stderr: (bytes) => execution.append('stderr', bytes),
        readFile: (path) => this.#readOrNothing(path),
        writeFile: (path, bytes) => this.files.write(path, bytes),
      });
      this.#complete(execution, { kind: 'exited', code });
    } catch (error) {
      this.#complete(execution, { kind: 'lost', reason: String(error) });
    }
  }

  #readOrNothing(path: string): Uint8Array | undefined {
    try {
      return this.files.read(path).bytes;
    } catch {
      return undefined;
    }
  }

  #complete(execution: FakeExecution, end: NonNullable<FakeExecution['end']>): void {
    if (execution.complete(end)) {
      this.#append(execution.spec, end.kind === 'exited' ? { exitCode: end.code } : { message: end.kind });
      this.#emit({
        type: 'execution',
        boxId: this.spec.id,
        executionId: execution.spec.executionId,
        status: 'completed',
      });
    }
  }

  #append(spec: ExecutionSpec, entry: Pick<LogEntry, 'command' | 'exitCode' | 'message'>): void {
    this.log.push({
      timestampMs: Date.now(),
      level: 'info',
      source: spec.origin,
      executionId: spec.executionId,
      ...(spec.shellName === undefined ? {} : { shellName: spec.shellName }),
      ...entry,
    });
    for (const wake of [...this.#logWaiters]) {
      wake();
    }
  }

  #logGrows(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#logWaiters.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#logWaiters.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
