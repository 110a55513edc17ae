import type {
  BoxSpec,
  BoxState,
  ExecutionSpec,
  HostEvent,
  Isolation,
  LogEntry,
  LogFilter,
  StopCause,
} from '../contract/index.ts';
import { HostError } from '../contract/index.ts';
import { FakeExecution } from './fake-execution.ts';
import { FakeFiles } from './fake-files.ts';
import { FakeProcesses, newShell } from './fake-processes.ts';
import type { FakeSnapshot } from './fake-snapshots.ts';
import type { FakeCommandHandler, FakeShell } from './interpreter.ts';

export interface FakeBoxOptions {
  readonly spec: BoxSpec;
  readonly isolation: Isolation;
  /** What it starts from; its processes only when the spec says so. */
  readonly snapshot: FakeSnapshot | undefined;
  /** Of the built image that it starts from. */
  readonly imageEnvironment?: Readonly<Record<string, string>> | undefined;
  readonly handler: FakeCommandHandler;
  readonly emit: (event: HostEvent) => void;
}

/** One box of a FakeHost. */
export class FakeBox {
  spec: BoxSpec;
  files: FakeFiles;
  readonly processes: FakeProcesses;
  readonly imageEnvironment: Readonly<Record<string, string>>;
  readonly executions = new Map<string, FakeExecution>();
  readonly log: LogEntry[] = [];
  state: BoxState;
  readonly #handler: FakeCommandHandler;
  readonly #emit: (event: HostEvent) => void;
  readonly #logWaiters = new Set<() => void>();

  constructor({ spec, isolation, snapshot, imageEnvironment, handler, emit }: FakeBoxOptions) {
    const { image } = spec;
    const ownEnvironment = typeof image === 'object' && 'environment' in image ? image.environment : {};
    const withMemory = typeof image === 'object' && 'memory' in image && image.memory;
    this.spec = spec;
    this.files = snapshot?.files.copy(spec.user) ?? new FakeFiles(spec.user);
    this.processes = (withMemory ? snapshot?.processes?.copy() : undefined) ?? new FakeProcesses();
    this.imageEnvironment = snapshot?.imageEnvironment ?? imageEnvironment ?? ownEnvironment;
    this.#handler = handler;
    this.#emit = emit;
    const shared = spec.networkOf === undefined ? {} : { networkOf: spec.networkOf };
    this.state = { id: spec.id, phase: 'starting', isolation, ...shared };
    for (const inherited of withMemory ? (snapshot?.running ?? []) : []) {
      const execution = new FakeExecution(inherited);
      this.executions.set(inherited.executionId, execution);
      this.#complete(execution, { kind: 'lost', reason: `it was forked: it belongs to ${snapshot?.state.boxId}` });
    }
  }

  change(state: Partial<BoxState>): void {
    this.state = { ...this.state, ...state };
    this.#emit({ type: 'box', state: this.state });
  }

  /** No process is left: unfinished executions are lost. */
  stop(phase: 'stopped' | 'destroyed', cause: StopCause, detail: string): void {
    this.#loseProcesses(detail);
    this.#drop('ipv4', 'hasMemory');
    this.change({ phase, cause, detail, stoppedMs: this.state.stoppedMs ?? Date.now() });
  }

  /** No process is left; with `memory` they stand still until the box is resumed. */
  suspend(memory: boolean): void {
    this.change({ phase: 'suspending' });
    if (memory) {
      this.processes.freeze();
    } else {
      this.#loseProcesses('suspended');
    }
    this.#suspended({});
  }

  resuming(): void {
    this.#drop('cause', 'detail', 'hasMemory');
    this.change({ phase: 'starting' });
  }

  /** The resume has failed; nothing is lost. */
  notResumed(cause: StopCause, detail: string): void {
    this.#suspended({ cause, detail });
  }

  /** The box runs again, for the new spec, from its memory or without. */
  resumed(spec: BoxSpec, memory: boolean): void {
    const { image, size, isolation } = this.spec;
    this.spec = { ...spec, image, size, isolation };
    this.files = this.files.copy(spec.user);
    if (memory && this.processes.frozen) {
      this.processes.thaw();
    } else {
      this.#loseProcesses('suspended');
    }
    this.#drop('stoppedMs');
    this.change({ phase: 'running', ipv4: '10.0.0.1', startedMs: Date.now() });
  }

  #suspended(change: Partial<BoxState>): void {
    this.#drop('ipv4');
    this.change({ phase: 'suspended', hasMemory: this.processes.frozen, stoppedMs: Date.now(), ...change });
  }

  #drop(...keys: ReadonlyArray<keyof BoxState>): void {
    const entries = Object.entries(this.state).filter(([key]) => !keys.some((dropped) => dropped === key));
    this.state = Object.fromEntries(entries) as unknown as BoxState;
  }

  #loseProcesses(reason: string): void {
    this.processes.end();
    for (const execution of this.executions.values()) {
      this.#complete(execution, { kind: 'lost', reason });
    }
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
    const { home } = this.spec.user;
    if (spec.shellName === undefined) {
      void this.#run(execution, newShell(home));
    } else {
      this.processes.inShell(spec.shellName, home, (shell) => this.#run(execution, shell));
    }
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
    const { processes } = this;
    processes.act(() => execution.started());
    const { user, environment } = this.spec;
    try {
      const code = await this.#handler({
        command: execution.spec.command,
        environment: {
          HOME: user.home,
          USER: user.name,
          ...this.imageEnvironment,
          ...environment,
          ...execution.spec.environment,
        },
        shell,
        stdin: execution.stdin(),
        signal: execution.abort.signal,
        stdout: (bytes) => processes.act(() => execution.append('stdout', bytes)),
        stderr: (bytes) => processes.act(() => execution.append('stderr', bytes)),
        readFile: (path) => this.#readOrNothing(path),
        writeFile: (path, bytes) => processes.act(() => this.files.write(path, bytes)),
      });
      processes.act(() => this.#complete(execution, { kind: 'exited', code }));
    } catch (error) {
      processes.act(() => this.#complete(execution, { kind: 'lost', reason: String(error) }));
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
