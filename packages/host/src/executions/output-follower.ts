import type { OutputChunk } from '../contract/index.ts';
import type { OutputContent, OutputReader } from '../spool/output-reader.ts';
import { incompleteTail } from '../spool/utf8.ts';
import { type Bell, cancelled } from './bell.ts';

/** Most bytes of one chunk. */
const maxChunkBytes = 64 * 1024;

/** An output that may still grow. */
export interface GrowingOutput {
  readonly content: OutputContent;
  sizeBytes(): number;
  /** It will not grow any more. */
  ended(): boolean;
  /** Rung when either changed. */
  readonly bell: Bell;
}

/**
 * The bytes of an output from `offset` on, until it has ended. Read from its file when they are asked for: a reader that does not read costs
 * nothing. A UTF-8 sequence whose rest is still to come is held back until it has come or the output has ended.
 */
export async function* followOutput(
  reader: OutputReader,
  output: GrowingOutput,
  offset: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<OutputChunk> {
  let position = offset;
  let heldBack = 0;
  for (;;) {
    const ended = output.ended();
    const available = output.sizeBytes() - position;
    if (available > heldBack || (ended && available > 0)) {
      const bytes = await reader.read(output.content, position, Math.min(available, maxChunkBytes));
      const last = ended && bytes.length >= available;
      heldBack = last ? 0 : incompleteTail(bytes);
      const whole = bytes.subarray(0, bytes.length - heldBack);
      if (whole.length > 0) {
        position += whole.length;
        yield { bytes: whole, offset: position };
      } else if (bytes.length === 0) {
        return;
      }
    } else if (ended) {
      return;
    } else {
      await output.bell.wait({ signal });
    }
    if (signal?.aborted === true) {
      throw cancelled();
    }
  }
}
