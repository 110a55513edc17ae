import { setTimeout as sleep } from 'node:timers/promises';
import type Runloop from '@runloop/api-client';
import { isFinal } from './persist.ts';

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
      const stream = await client.devboxes.executions.streamStdoutUpdates(devboxId, executionId, query);
      for await (const chunk of stream) {
        text += chunk.output;
        offset = chunk.offset ?? offset;
      }
      const { status } = await client.devboxes.executions.retrieve(devboxId, executionId);
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
