import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { HelperError } from './helper-error.ts';
import type { HelperCommands, HelperEvent } from './protocol.ts';

/** Longest line that the helper may write. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;

export type HelperCommand = keyof HelperCommands;
export type HelperArgs<C extends HelperCommand> = HelperCommands[C]['args'];
export type HelperResult<C extends HelperCommand> = HelperCommands[C]['result'];

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: HelperError) => void;
}

/** One life of the helper: commands out, answers and events in. */
export class HelperProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #onEvent: (event: HelperEvent) => void;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #partial = '';
  #over = false;

  /** `onExit` is called once, after every pending command was rejected. */
  constructor(binary: string, onEvent: (event: HelperEvent) => void, onExit: (reason: string) => void) {
    this.#onEvent = onEvent;
    const child = spawn(binary, [], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child = child;
    const over = (reason: string) => {
      if (!this.#over) {
        this.#over = true;
        const error = new HelperError('lost', `the helper is gone: ${reason}`);
        for (const pending of this.#pending.values()) {
          pending.reject(error);
        }
        this.#pending.clear();
        onExit(reason);
      }
    };
    child.on('error', (error) => over(error.message));
    child.on('exit', (code, signal) => over(signal ?? `exit code ${code}`));
    child.stdin.on('error', () => undefined);
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text: string) => this.#read(text));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Rejects with a {@link HelperError}. */
  call<C extends HelperCommand>(command: C, args: HelperArgs<C>): Promise<HelperResult<C>> {
    return new Promise((resolve, reject) => {
      if (this.#over) {
        reject(new HelperError('lost', 'the helper is gone'));
        return;
      }
      const id = ++this.#lastId;
      this.#pending.set(id, { resolve: (result) => resolve(result as HelperResult<C>), reject });
      this.#child.stdin.write(`${JSON.stringify({ id, command, args })}\n`);
    });
  }

  /** Ends its stdin, which ends it. */
  close(): void {
    this.#child.stdin.end();
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #read(text: string): void {
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop() ?? '';
    if (this.#partial.length > MAX_LINE_BYTES) {
      this.kill();
    }
    for (const line of lines) {
      this.#receive(line);
    }
  }

  #receive(line: string): void {
    const message = JSON.parse(line);
    if ('event' in message) {
      this.#onEvent(message);
      return;
    }
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.error) {
      pending?.reject(new HelperError(message.error.code, message.error.message, message.error.osError));
    } else {
      pending?.resolve(message.ok);
    }
  }
}
