import { StringDecoder } from 'node:string_decoder';
import { type BuildLog, MAX_LINE_CHARACTERS } from './build-log.ts';

/** A build that says more than this says nothing that anyone reads. */
export const MAX_SPOKEN_BYTES = 1024 * 1024 * 1024;
/** Last lines that are looked at for the reason of a failure. */
const TAIL_LINES = 40;
const LAST_BYTES = 64 * 1024;

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is taken out
const CONTROL = /\u001b\[[0-9;?]*[A-Za-z]|[\u0000-\u0008\u000b-\u001f\u007f]/g;
const LOGGED = /^time="[^"]*" level=(\w+) msg="?(.*?)"?$/;

/** Takes a build's raw output into its log, line by line. */
export class LogReader {
  readonly #log: BuildLog;
  readonly #mask: (line: string) => string;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  #bytes = 0;
  #last: Buffer = Buffer.alloc(0);
  readonly tail: string[] = [];

  constructor(log: BuildLog, mask: (line: string) => string) {
    this.#log = log;
    this.#mask = mask;
  }

  get spokenBytes(): number {
    return this.#bytes;
  }

  write(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (this.#log.full) {
      // Only the end is looked at, once it is known where that is.
      this.#last = Buffer.concat([this.#last, bytes]).subarray(-LAST_BYTES);
      return;
    }
    this.#take(bytes);
  }

  end(): void {
    this.#take(this.#last);
    if (this.#rest !== '') {
      this.#line(this.#rest);
      this.#rest = '';
    }
  }

  #take(bytes: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(bytes)).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      this.#line(line);
    }
    while (this.#rest.length > 2 * MAX_LINE_CHARACTERS) {
      // Before it is cut: no value may escape by lying across the cut.
      this.#rest = this.#mask(this.#rest);
      this.#line(this.#rest.slice(0, MAX_LINE_CHARACTERS));
      this.#rest = this.#rest.slice(MAX_LINE_CHARACTERS);
    }
  }

  #line(raw: string): void {
    // A progress bar overwrites its line: what it ended as counts.
    const last = raw.replace(/\r+$/, '').split('\r').at(-1) ?? '';
    const masked = this.#mask(last.replaceAll(CONTROL, ''));
    for (let at = 0; at === 0 || at < masked.length; at += MAX_LINE_CHARACTERS) {
      const piece = masked.slice(at, at + MAX_LINE_CHARACTERS);
      const [, level = '', message = piece] = LOGGED.exec(piece) ?? [];
      const isError = /^(Error: |error )/.test(piece) || level === 'error' || level === 'fatal';
      this.#log.append(isError ? 'error' : level === 'warning' ? 'warn' : 'info', message);
      this.tail.push(message);
    }
    this.tail.splice(0, Math.max(0, this.tail.length - TAIL_LINES));
  }
}
