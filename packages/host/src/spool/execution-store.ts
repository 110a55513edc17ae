import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { ExecutionEnd } from '../contract/index.ts';
import { type ExecutionFinish, type ExecutionRecord, recordFromRow, type SqlRow } from './execution-record.ts';

/** Keeps commands that are too long for a row. */
export interface CommandFiles {
  write(boxId: string, seq: number, command: string): void;
  read(boxId: string, seq: number): string;
}

/** Commands longer than this are kept in a file of their own. */
const maxInlineCommandLength = 64 * 1024;

const columnsOfEnd = (end: ExecutionEnd): [string, number | null, number | null, string | null, string | null] => {
  switch (end.kind) {
    case 'exited':
      return ['exited', end.code, null, null, null];
    case 'killed':
      return ['killed', null, end.signal, end.by, null];
    case 'lost':
      return ['lost', null, null, null, end.reason];
  }
};

/** Executions of all boxes, as rows. Every write is durable (against the death of this process) when it returns. */
export class ExecutionStore {
  readonly #files: CommandFiles;
  readonly #insert: StatementSync;
  readonly #finish: StatementSync;
  readonly #select: StatementSync;
  readonly #unfinished: StatementSync;
  readonly #newestFirst: StatementSync;
  readonly #bySeq: StatementSync;
  readonly #lastSeq: StatementSync;
  readonly #outputBytes: StatementSync;
  readonly #stdinClosed: StatementSync;
  readonly #killSignal: StatementSync;
  readonly #streamId: StatementSync;
  readonly #forget: StatementSync;

  constructor(database: DatabaseSync, files: CommandFiles) {
    this.#files = files;
    const key = 'WHERE box_id = ? AND execution_id = ?';
    this.#insert = database.prepare(
      `INSERT INTO executions (box_id, execution_id, seq, stream_id, origin, command, shell_name, user_name, attach_stdin, environment, started_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#finish = database.prepare(
      `UPDATE executions SET ended_ms = ?, end_kind = ?, end_code = ?, end_signal = ?, end_by = ?, end_reason = ?,
         stdout_bytes = ?, stdout_first_ms = ?, stderr_bytes = ?, stderr_first_ms = ?, stdout_inline = ?, stderr_inline = ?, environment = NULL
       ${key} AND ended_ms IS NULL`,
    );
    this.#select = database.prepare(`SELECT * FROM executions ${key}`);
    this.#unfinished = database.prepare('SELECT * FROM executions WHERE box_id = ? AND ended_ms IS NULL ORDER BY seq');
    this.#newestFirst = database.prepare(
      'SELECT * FROM executions WHERE box_id = ? AND ended_ms <= ? AND (ended_ms < ? OR seq < ?) ORDER BY ended_ms DESC, seq DESC LIMIT ?',
    );
    this.#bySeq = database.prepare('SELECT * FROM executions WHERE box_id = ? AND seq > ? ORDER BY seq LIMIT ?');
    this.#lastSeq = database.prepare('SELECT max(seq) AS seq FROM executions WHERE box_id = ?');
    this.#outputBytes = database.prepare(
      'SELECT coalesce(sum(stdout_bytes + stderr_bytes), 0) AS bytes FROM executions WHERE box_id = ?',
    );
    this.#stdinClosed = database.prepare(`UPDATE executions SET stdin_closed = 1 ${key}`);
    this.#killSignal = database.prepare(`UPDATE executions SET kill_signal = ? ${key} AND ended_ms IS NULL`);
    this.#streamId = database.prepare(`UPDATE executions SET stream_id = ? ${key}`);
    this.#forget = database.prepare('DELETE FROM executions WHERE box_id = ?');
  }

  /** Writes a new execution down, before anything is sent to the guest. */
  insert(boxId: string, record: ExecutionRecord): void {
    const long = record.command.length > maxInlineCommandLength;
    if (long) {
      this.#files.write(boxId, record.seq, record.command);
    }
    this.#insert.run(
      boxId,
      record.executionId,
      record.seq,
      record.streamId,
      record.origin,
      long ? null : record.command,
      record.shellName ?? null,
      record.user ?? null,
      record.attachStdin ? 1 : 0,
      Object.keys(record.environment).length === 0 ? null : JSON.stringify(record.environment),
      record.startedMs,
    );
  }

  /** Records the end, once: a second one changes nothing. */
  finish(boxId: string, executionId: string, { endedMs, end, stdout, stderr }: ExecutionFinish): void {
    this.#finish.run(
      endedMs,
      ...columnsOfEnd(end),
      stdout.sizeBytes,
      stdout.firstMs ?? null,
      stderr.sizeBytes,
      stderr.firstMs ?? null,
      stdout.inline ?? null,
      stderr.inline ?? null,
      boxId,
      executionId,
    );
  }

  find(boxId: string, executionId: string): ExecutionRecord | undefined {
    const row = this.#select.get(boxId, executionId);
    return row === undefined ? undefined : this.#record(boxId, row);
  }

  /** In order of arrival. */
  unfinished(boxId: string): ExecutionRecord[] {
    return this.#unfinished.all(boxId).map((row) => this.#record(boxId, row));
  }

  /** A page of completed ones, last ended first, below the given one. */
  completedBefore(
    boxId: string,
    below: { readonly endedMs: number; readonly seq: number },
    limit: number,
  ): ExecutionRecord[] {
    const rows = this.#newestFirst.all(boxId, below.endedMs, below.endedMs, below.seq, limit);
    return rows.map((row) => this.#record(boxId, row));
  }

  /** A page in order of arrival, after the given one. */
  after(boxId: string, seq: number, limit: number): ExecutionRecord[] {
    return this.#bySeq.all(boxId, seq, limit).map((row) => this.#record(boxId, row));
  }

  /** Number of the last execution that arrived; 0 when there was none. */
  lastSeq(boxId: string): number {
    const seq = this.#lastSeq.get(boxId)?.seq;
    return typeof seq === 'number' ? seq : 0;
  }

  /** Output of all completed ones. */
  outputBytes(boxId: string): number {
    return Number(this.#outputBytes.get(boxId)?.bytes ?? 0);
  }

  closeStdin(boxId: string, executionId: string): void {
    this.#stdinClosed.run(boxId, executionId);
  }

  /** Notes that the host was asked to send this signal: the end may then be its doing. */
  askSignal(boxId: string, executionId: string, signal: number): void {
    this.#killSignal.run(signal, boxId, executionId);
  }

  moveStream(boxId: string, executionId: string, streamId: number): void {
    this.#streamId.run(streamId, boxId, executionId);
  }

  forget(boxId: string): void {
    this.#forget.run(boxId);
  }

  #record(boxId: string, row: SqlRow): ExecutionRecord {
    return recordFromRow(row, () => this.#files.read(boxId, Number(row.seq)));
  }
}
