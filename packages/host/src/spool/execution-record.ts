import type { ExecutionEnd, ExecutionOrigin } from '../contract/index.ts';

/** An execution as it is written down. */
export interface ExecutionRecord {
  readonly executionId: string;
  /** Order of arrival in the box, from 1; names the files of its output. */
  readonly seq: number;
  readonly streamId: number;
  readonly origin: ExecutionOrigin;
  readonly command: string;
  readonly shellName?: string;
  readonly user?: string;
  readonly attachStdin: boolean;
  readonly environment: Readonly<Record<string, string>>;
  readonly stdinClosed: boolean;
  readonly killSignal?: number;
  readonly startedMs: number;
  /** Set once the execution has its end. */
  readonly finish?: ExecutionFinish;
}

/** What is known of an execution in the boxes that its box is forked into. */
export type InheritedExecution = Pick<
  ExecutionRecord,
  'executionId' | 'origin' | 'command' | 'shellName' | 'user' | 'attachStdin' | 'startedMs'
>;

export interface ExecutionFinish {
  readonly endedMs: number;
  readonly end: ExecutionEnd;
  readonly stdout: OutputSummary;
  readonly stderr: OutputSummary;
}

export interface OutputSummary {
  readonly sizeBytes: number;
  /** When the first byte came. */
  readonly firstMs?: number;
  /** The output itself when it is small and ended soon: then there is no file. */
  readonly inline?: Uint8Array;
}

export type SqlRow = Readonly<Record<string, unknown>>;

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
const optional = <K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> =>
  value === undefined ? {} : ({ [key]: value } as Record<K, V>);

const endFromRow = (row: SqlRow): ExecutionEnd => {
  switch (row.end_kind) {
    case 'exited':
      return { kind: 'exited', code: number(row.end_code) ?? 0 };
    case 'killed': {
      const by = row.end_by === 'host' || row.end_by === 'out_of_memory' ? row.end_by : 'box';
      return { kind: 'killed', signal: number(row.end_signal) ?? 0, by };
    }
    default:
      return { kind: 'lost', reason: text(row.end_reason) ?? '' };
  }
};

const outputFromRow = (sizeBytes: unknown, firstMs: unknown, inline: unknown): OutputSummary => ({
  sizeBytes: number(sizeBytes) ?? 0,
  ...optional('firstMs', number(firstMs)),
  ...optional('inline', inline instanceof Uint8Array ? inline : undefined),
});

/** A row of `executions`; `command` is what is to stand for a NULL (a long command in its file). */
export const recordFromRow = (row: SqlRow, command: () => string): ExecutionRecord => {
  const origin = text(row.origin);
  const endedMs = number(row.ended_ms);
  const environment = text(row.environment);
  return {
    executionId: text(row.execution_id) ?? '',
    seq: number(row.seq) ?? 0,
    streamId: number(row.stream_id) ?? 0,
    origin: origin === 'setup_commands' || origin === 'entrypoint' ? origin : 'exec',
    command: text(row.command) ?? command(),
    ...optional('shellName', text(row.shell_name)),
    ...optional('user', text(row.user_name)),
    attachStdin: row.attach_stdin === 1,
    environment: environment === undefined ? {} : (JSON.parse(environment) as Record<string, string>),
    stdinClosed: row.stdin_closed === 1,
    ...optional('killSignal', number(row.kill_signal)),
    startedMs: number(row.started_ms) ?? 0,
    ...(endedMs === undefined
      ? {}
      : {
          finish: {
            endedMs,
            end: endFromRow(row),
            stdout: outputFromRow(row.stdout_bytes, row.stdout_first_ms, row.stdout_inline),
            stderr: outputFromRow(row.stderr_bytes, row.stderr_first_ms, row.stderr_inline),
          },
        }),
  };
};
