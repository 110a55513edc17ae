import type { evictionEvent } from '@berth/contract';
import type { z } from 'zod';

/**
 * Notices of pending evictions (API §6). Nothing is ever evicted in this version, so the stream stays silent, kept open by heart-beats, until
 * the client leaves or the server shuts down.
 */
export async function* watchEvictions(
  signal: AbortSignal,
  closing: AbortSignal,
): AsyncGenerator<z.output<typeof evictionEvent>> {
  const ended = AbortSignal.any([signal, closing]);
  if (!ended.aborted) {
    await new Promise<void>((resolve) => ended.addEventListener('abort', () => resolve(), { once: true }));
  }
}
