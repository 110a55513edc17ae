import { passedOn } from '../streams/young-garbage.ts';
import type { OutgoingStream } from './byte-stream.ts';

/** Size of each of the two buffers that bytes are gathered in. */
export const gatherBytes = 256 * 1024;

/**
 * Sends a body whose pieces are lent. What comes after the first quarter of a megabyte is gathered into large frames: one buffer fills while the
 * other is with the socket. Rejects when the body or the stream fails.
 */
export const sendGathered = async (body: AsyncIterable<Uint8Array>, outgoing: OutgoingStream): Promise<void> => {
  let sentBytes = 0;
  let filling: Buffer | undefined;
  let sending: Buffer | undefined;
  let filledBytes = 0;
  let sent: Promise<void> = Promise.resolve();
  for await (const bytes of body) {
    passedOn(bytes.length);
    if (sentBytes < gatherBytes) {
      sentBytes += bytes.length;
      await outgoing.write(bytes);
      continue;
    }
    for (let at = 0; at < bytes.length; ) {
      filling ??= Buffer.allocUnsafeSlow(gatherBytes);
      const piece = bytes.subarray(at, at + gatherBytes - filledBytes);
      filling.set(piece, filledBytes);
      filledBytes += piece.length;
      at += piece.length;
      if (filledBytes === gatherBytes) {
        await sent;
        sent = outgoing.write(filling);
        sent.catch(() => undefined);
        [filling, sending] = [sending, filling];
        filledBytes = 0;
      }
    }
  }
  await sent;
  if (filling !== undefined && filledBytes > 0) {
    await outgoing.write(filling.subarray(0, filledBytes));
  }
};
