import type {
  ExecutionEnd,
  ExecutionSpec,
  ExecutionState,
  ExecutionStatus,
  ExecutionView,
  OutputStream,
  OutputTail,
} from '../contract/index.ts';
import { HostError } from '../contract/index.ts';

/** One execution of a fake box: its output in memory, and waiters woken by every change. */
export class FakeExecution {
  readonly spec: ExecutionSpec;
  readonly abort = new AbortController();
  status: ExecutionStatus = 'queued';
  end: ExecutionEnd | undefined;
  readonly #startedMs = Date.now();
  #endedMs: number | undefined;
  readonly #output: Record<OutputStream, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  readonly #stdin: Uint8Array[] = [];
  #stdinEnded = false;
  readonly #fed = new Set<string>();
  readonly #waiters = new Set<() => void>();

  constructor(spec: ExecutionSpec) {
    this.spec = spec;
  }

  state(): ExecutionState {
    return {
      executionId: this.spec.executionId,
      status: this.status,
      ...(this.spec.shellName === undefined ? {} : { shellName: this.spec.shellName }),
      startedMs: this.#startedMs,
      ...(this.#endedMs === undefined ? {} : { endedMs: this.#endedMs }),
      ...(this.end === undefined ? {} : { end: this.end }),
      stdoutBytes: this.#output.stdout.length,
      stderrBytes: this.#output.stderr.length,
    };
  }

  view(lastLines: number): ExecutionView {
    return {
      ...this.state(),
      stdout: tail(this.#output.stdout, lastLines),
      stderr: tail(this.#output.stderr, lastLines),
    };
  }

  started(): void {
    this.status = 'running';
    this.#wake();
  }

  append(stream: OutputStream, bytes: Uint8Array): void {
    if (this.status !== 'completed') {
      this.#output[stream] = Buffer.concat([this.#output[stream], bytes]);
      this.#wake();
    }
  }

  /** The first end counts. @returns whether this one did. */
  complete(end: ExecutionEnd): boolean {
    if (this.status === 'completed') {
      return false;
    }
    this.status = 'completed';
    this.end = end;
    this.#endedMs = Date.now();
    this.abort.abort();
    this.#wake();
    return true;
  }

  feed(bytes: Uint8Array, end: boolean, token?: string): void {
    if (this.spec.attachStdin !== true) {
      throw new HostError('stdinNotAttached', `${this.spec.executionId} was started without stdin`);
    }
    if (token !== undefined && this.#fed.has(token)) {
      return;
    }
    if (this.#stdinEnded || this.status === 'completed') {
      throw new HostError('stdinClosed', `stdin of ${this.spec.executionId} is closed`);
    }
    if (bytes.byteLength > 0) {
      this.#stdin.push(Uint8Array.from(bytes));
    }
    if (token !== undefined) {
      this.#fed.add(token);
    }
    this.#stdinEnded = end;
    this.#wake();
  }

  async *stdin(): AsyncGenerator<Uint8Array> {
    while (this.spec.attachStdin === true && this.status !== 'completed') {
      const next = this.#stdin.shift();
      if (next) {
        yield next;
      } else if (this.#stdinEnded) {
        return;
      } else {
        await this.changed();
      }
    }
  }

  async *output(stream: OutputStream, offset: number, signal?: AbortSignal): AsyncGenerator<Buffer> {
    let at = offset;
    while (true) {
      signal?.throwIfAborted();
      const bytes = this.#output[stream].subarray(at);
      if (bytes.length > 0) {
        at += bytes.length;
        yield bytes;
      } else if (this.status === 'completed') {
        return;
      } else {
        await this.changed(undefined, signal);
      }
    }
  }

  /** Resolves at the next change, after the time, or when the signal is aborted. */
  changed(timeoutMs?: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiters.delete(done);
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = timeoutMs === undefined ? undefined : setTimeout(done, timeoutMs);
      signal?.addEventListener('abort', done, { once: true });
      this.#waiters.add(done);
    });
  }

  #wake(): void {
    for (const wake of [...this.#waiters]) {
      wake();
    }
  }
}

function tail(bytes: Buffer, lastLines: number): OutputTail {
  let from = bytes.length;
  const end = bytes.at(-1) === 10 ? bytes.length - 1 : bytes.length;
  let before = end;
  for (let line = 0; line < lastLines && from > 0; line++) {
    const newline = before > 0 ? bytes.lastIndexOf(10, before - 1) : -1;
    from = newline + 1;
    before = newline;
  }
  return { text: bytes.toString('utf8', from), truncated: from > 0 };
}
