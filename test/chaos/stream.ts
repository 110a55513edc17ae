import { setTimeout as sleep } from 'node:timers/promises';
import type Runloop from '@runloop/api-client';
import { isFinal, within } from './persist.ts';

/** The commands followed here write all the time: a silence this long is a connection that died unnoticed. */
const silenceMs = 20_000;

/**
 * Follows a stdout to its true end over any number of broken connections, each time from the offset of the last chunk.
 * A connection that ends like a finished one is believed only when the execution is completed.
 */
export async function followThrough(client: Runloop, devboxId: string, executionId: string): Promise<string> {
  const deadline = Date.now() + 120_000;
  let offset = 0;
  let text = '';
  for (;;) {
    try {
      const query = { offset: String(offset) };
      const opened = client.devboxes.executions.streamStdoutUpdates(devboxId, executionId, query);
      const stream = await within('stream', opened, silenceMs);
      const chunks = stream[Symbol.asyncIterator]();
      try {
        for (;;) {
          const next = await within('chunk', chunks.next(), silenceMs);
          if (next.done === true) {
            break;
          }
          text += next.value.output;
          offset = next.value.offset ?? offset;
        }
      } finally {
        stream.controller.abort();
      }
      const { status } = await within('state', client.devboxes.executions.retrieve(devboxId, executionId), silenceMs);
      if (status === 'completed' && Buffer.byteLength(text) === offset) {
        return text;
      }
    } catch (error) {
      if (isFinal(error) || Date.now() > deadline) {
        throw error;
      }
    }
    if (Date.now() > deadline) {
      throw new Error(`the stream of ${executionId} never ended`);
    }
    await sleep(50);
  }
}
