import type { OutputStream } from '../contract/index.ts';
import type { OutputContent } from '../spool/output-reader.ts';
import type { Spool } from '../spool/spool.ts';
import type { Found } from './box-executions.ts';

/** Where the bytes of an output are: in its file, with its live execution, or in its row. */
export const outputContent = (spool: Spool, boxId: string, found: Found, stream: OutputStream): OutputContent => {
  const { seq } = 'live' in found ? found.live.record : found.record;
  return {
    path: spool.outputPath(boxId, seq, stream),
    memory: () => ('live' in found ? found.live.held(stream) : found.record.finish?.[stream].inline),
  };
};
