import { type FileHandle, open, readFile } from 'node:fs/promises';
import type { BuildLogLine } from '../contract/index.ts';

/** What is kept of one build's log. */
export const MAX_LOG_BYTES = 16 * 1024 * 1024;
/** A longer line goes on in the next. */
export const MAX_LINE_CHARACTERS = 8 * 1024;
const READ_BYTES = 64 * 1024;

type Level = BuildLogLine['level'];

/** The log of one build: a file of JSON lines that is written once and read from any line, while it grows and afterwards. */
export class BuildLog {
  readonly path: string;
  #lines: number;
  #bytes = 0;
  #full = false;
  #closed: boolean;
  #waiting: string[] = [];
  #writing: Promise<void> = Promise.resolve();
  readonly #readers = new Set<() => void>();

  /** @param lines how many it has already; it is closed then */
  constructor(path: string, lines?: number) {
    this.path = path;
    this.#lines = lines ?? 0;
    this.#closed = lines !== undefined;
  }

  /** Nothing but errors is taken any more. */
  get full(): boolean {
    return this.#full;
  }

  get lines(): number {
    return this.#lines;
  }

  /** More than {@link MAX_LOG_BYTES} leave a line that says so and nothing else. */
  append(level: Level, message: string): void {
    if (this.#closed || (this.#full && level !== 'error')) {
      return;
    }
    const text = `${JSON.stringify([Date.now(), level, message])}\n`;
    this.#bytes += Buffer.byteLength(text);
    if (!this.#full && this.#bytes > MAX_LOG_BYTES) {
      this.#full = true;
      this.#push(
        `${JSON.stringify([Date.now(), 'warn', 'the log is full: what the build says from here on is left out'])}\n`,
      );
      return;
    }
    this.#push(text);
  }

  /** Resolves when all of it is in the file. Nothing is added afterwards. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
    this.#wake();
  }

  async *read(fromLine: number, follow: boolean, signal?: AbortSignal): AsyncGenerator<BuildLogLine> {
    let file: FileHandle | undefined;
    let [index, offset, rest] = [0, 0, Buffer.alloc(0)];
    try {
      while (!signal?.aborted) {
        // Before the read: what is written after it wakes this reader again.
        const over = this.#closed;
        const news = this.#changed(signal);
        await this.#writing;
        file ??= await open(this.path).catch(() => undefined);
        const buffer = Buffer.allocUnsafe(READ_BYTES);
        const { bytesRead = 0 } = (await file?.read(buffer, 0, READ_BYTES, offset)) ?? {};
        offset += bytesRead;
        rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
        for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
          const [timestampMs, level, message] = JSON.parse(rest.subarray(0, end).toString());
          rest = rest.subarray(end + 1);
          if (index >= fromLine) {
            yield { index, timestampMs, level, message };
          }
          index++;
        }
        if (bytesRead === 0) {
          if (over || !follow) {
            return;
          }
          await news;
        }
      }
    } finally {
      await file?.close();
    }
  }

  #push(text: string): void {
    this.#lines++;
    this.#waiting.push(text);
    if (this.#waiting.length === 1) {
      this.#writing = this.#writing.then(() => this.#flush());
    }
  }

  async #flush(): Promise<void> {
    const file = await open(this.path, 'a', 0o600);
    try {
      const text = this.#waiting.join('');
      this.#waiting = [];
      await file.appendFile(text);
    } finally {
      await file.close();
      this.#wake();
    }
  }

  #wake(): void {
    for (const wake of this.#readers) {
      wake();
    }
  }

  #changed(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#readers.delete(done);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      this.#readers.add(done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }
}

/** Whole lines of a log that nobody closed. */
export async function countLines(path: string): Promise<number> {
  const text = await readFile(path).catch(() => Buffer.alloc(0));
  return text.reduce((count, byte) => (byte === 10 ? count + 1 : count), 0);
}
