import type { LogEntry, OutputStream } from '../contract/index.ts';
import type { ExecutionRecord } from '../spool/execution-record.ts';
import { incompleteTail, utf8Text } from '../spool/utf8.ts';

/** Longest line or command that a log entry shows whole. */
export const maxEntryBytes = 16 * 1024;

const cutMark = ' … (cut)';
const newline = 0x0a;

type Fields = Pick<LogEntry, 'source' | 'executionId' | 'shellName'>;

const fieldsOf = (record: ExecutionRecord): Fields => ({
  source: record.origin,
  executionId: record.executionId,
  ...(record.shellName === undefined ? {} : { shellName: record.shellName }),
});

/** Text of bytes, cut with a mark when they are more than an entry shows. */
const shown = (bytes: Uint8Array): string => {
  if (bytes.length <= maxEntryBytes) {
    return utf8Text(bytes);
  }
  const head = bytes.subarray(0, maxEntryBytes);
  return utf8Text(head.subarray(0, head.length - incompleteTail(head))) + cutMark;
};

/** The entry with which an execution begins. */
export const startEntry = (record: ExecutionRecord): LogEntry => ({
  timestampMs: record.startedMs,
  level: 'info',
  ...fieldsOf(record),
  command: shown(Buffer.from(record.command)),
});

/** The entry with which a completed execution ends: its exit code, or in words what happened instead. */
export const endEntry = (record: ExecutionRecord): LogEntry | undefined => {
  const { finish } = record;
  if (finish === undefined) {
    return undefined;
  }
  const fields = { timestampMs: finish.endedMs, ...fieldsOf(record) };
  switch (finish.end.kind) {
    case 'exited':
      return { level: 'info', ...fields, exitCode: finish.end.code };
    case 'killed':
      return {
        level: 'warn',
        ...fields,
        message: `killed by signal ${finish.end.signal} (${finish.end.by.replaceAll('_', ' ')})`,
      };
    case 'lost':
      return { level: 'error', ...fields, message: `lost: ${finish.end.reason}` };
  }
};

/** One line of output. */
export const lineEntry = (
  record: ExecutionRecord,
  stream: OutputStream,
  timestampMs: number,
  line: Uint8Array,
): LogEntry => ({
  timestampMs: Math.min(Math.max(timestampMs, record.startedMs), record.finish?.endedMs ?? timestampMs),
  level: stream === 'stdout' ? 'info' : 'warn',
  ...fieldsOf(record),
  message: shown(line.at(-1) === 0x0d ? line.subarray(0, -1) : line),
});

/** A line without its newline, and where in the output it begins. */
export interface Line {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Takes an output apart into lines as it comes; holds at most what an entry shows of one line. */
export class LineSplitter {
  #held: Buffer[] = [];
  #heldBytes = 0;
  #lineOffset: number;
  #position: number;

  constructor(offset: number) {
    this.#lineOffset = offset;
    this.#position = offset;
  }

  /** Offset up to which bytes were taken. */
  get position(): number {
    return this.#position;
  }

  /** The lines that these bytes complete. */
  push(bytes: Buffer): Line[] {
    const lines: Line[] = [];
    let start = 0;
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
      this.#hold(bytes.subarray(start, end));
      lines.push(this.#take());
      start = end + 1;
      this.#lineOffset = this.#position + start;
    }
    this.#hold(bytes.subarray(start));
    this.#position += bytes.length;
    return lines;
  }

  /** The last line when no newline ends it. */
  rest(): Line | undefined {
    return this.#heldBytes === 0 ? undefined : this.#take();
  }

  #hold(bytes: Buffer): void {
    const room = maxEntryBytes + 1 - this.#heldBytes;
    if (room > 0 && bytes.length > 0) {
      this.#held.push(Buffer.from(bytes.subarray(0, room)));
      this.#heldBytes += Math.min(room, bytes.length);
    }
  }

  #take(): Line {
    const line = { offset: this.#lineOffset, bytes: Buffer.concat(this.#held) };
    this.#held = [];
    this.#heldBytes = 0;
    return line;
  }
}
