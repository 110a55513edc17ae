import { type Channel, ProtocolBreach } from '@berth/guest/protocol';
import type { GuestStream } from './guest-stream.ts';

/** CREDIT of channel 0, before (`up` false) or after the comparison of streams. @throws ProtocolBreach, as the others here */
export const takeCredit = (
  stream: GuestStream,
  channel: Channel,
  received: number,
  limit: number,
  up: boolean,
): void => {
  if (channel !== 0 || stream.send === undefined) {
    throw new ProtocolBreach(`credit for channel ${channel}`);
  }
  stream.confirmed = true;
  if (up) {
    stream.send.credit(received, limit);
  } else if (stream.attached) {
    stream.send.resume(received, limit);
  } else {
    stream.send.adopt(received, limit);
    stream.attached = true;
  }
};

/** Bytes of channel 1 or 2. */
export const takeData = (stream: GuestStream, channel: Channel, offset: number, bytes: Buffer): void => {
  const side = channel === 0 ? undefined : stream.channel(channel);
  if (channel === 0 || side === undefined) {
    throw new ProtocolBreach(`data on channel ${channel}`);
  }
  const fresh = side.accept(offset, bytes);
  if (fresh !== undefined) {
    stream.events.data?.(channel, fresh);
  }
};

/** The end of channel 1 or 2; that of a channel which the stream does not have is of no interest. */
export const takeEof = (stream: GuestStream, channel: Channel, finalOffset: number): void => {
  if (channel === 0) {
    throw new ProtocolBreach('end of channel 0 from a guest');
  }
  if (stream.channel(channel)?.acceptEof(finalOffset) === true) {
    stream.events.eof?.(channel);
  }
};
