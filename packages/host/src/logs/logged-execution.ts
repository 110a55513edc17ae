import type { OutputStream } from '../contract/index.ts';
import type { Found } from '../executions/box-executions.ts';
import { outputContent } from '../executions/output-content.ts';
import type { ExecutionRecord } from '../spool/execution-record.ts';
import type { Spool } from '../spool/spool.ts';
import { TimeIndex } from '../spool/time-index.ts';

/** What the log needs to know of an execution, running or completed. */
export interface LoggedExecution {
  readonly record: ExecutionRecord;
  readonly found: Found;
  sizeBytes(stream: OutputStream): number;
  /** Time of the first byte of an output. */
  firstMs(stream: OutputStream): number;
}

export const outputStreams: readonly OutputStream[] = ['stdout', 'stderr'];

/** When which byte of an output came. One that is not in a file came at once. */
export const timesOf = (
  spool: Spool,
  boxId: string,
  execution: LoggedExecution,
  stream: OutputStream,
): { at(offset: number): number } => {
  const firstMs = execution.firstMs(stream);
  if (outputContent(spool, boxId, execution.found, stream).memory() !== undefined) {
    return { at: () => firstMs };
  }
  return new TimeIndex(spool.pool, spool.indexPath(boxId, execution.record.seq, stream), firstMs);
};

/** Looks at it as it is at this moment. */
export const loggedExecution = (found: Found): LoggedExecution => {
  if (!('live' in found)) {
    const { record } = found;
    return {
      record,
      found,
      sizeBytes: (stream) => record.finish?.[stream].sizeBytes ?? 0,
      firstMs: (stream) => record.finish?.[stream].firstMs ?? record.startedMs,
    };
  }
  const { live } = found;
  const record = live.finish === undefined ? live.record : { ...live.record, finish: live.finish };
  const sizes = { stdout: live.sizeBytes('stdout'), stderr: live.sizeBytes('stderr') };
  return {
    record,
    found,
    sizeBytes: (stream) => sizes[stream],
    firstMs: (stream) => live.firstMs(stream) ?? record.startedMs,
  };
};
