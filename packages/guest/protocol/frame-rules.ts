import { type Channel, FrameType, firstSkippableType, maxPayloadBytes, ProtocolBreach } from './frame.ts';

interface Rule {
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly ofStream: boolean;
  readonly hasChannel: boolean;
}

const exactly = (bytes: number, ofStream: boolean, hasChannel = false): Rule => ({
  minBytes: bytes,
  maxBytes: bytes,
  ofStream,
  hasChannel,
});

const message = (ofStream: boolean): Rule => ({ minBytes: 0, maxBytes: maxPayloadBytes, ofStream, hasChannel: false });

const rules: ReadonlyMap<number, Rule> = new Map([
  [FrameType.hello, message(false)],
  [FrameType.ready, exactly(0, false)],
  [FrameType.open, message(true)],
  [FrameType.status, message(true)],
  [FrameType.data, { minBytes: 9, maxBytes: maxPayloadBytes, ofStream: true, hasChannel: true }],
  [FrameType.credit, exactly(16, true, true)],
  [FrameType.eof, exactly(8, true, true)],
  [FrameType.close, exactly(0, true)],
  [FrameType.ping, exactly(8, false)],
  [FrameType.pong, exactly(8, false)],
  [FrameType.part, message(true)],
]);

/**
 * Checks what a header alone can tell.
 * @returns false for a frame that is to be skipped.
 * @throws ProtocolBreach for one that ends the connection.
 */
export const checkHeader = (
  type: number,
  channel: number,
  reserved: number,
  streamId: number,
  payloadBytes: number,
): channel is Channel => {
  if (payloadBytes > maxPayloadBytes) {
    throw new ProtocolBreach(`payload of ${payloadBytes} bytes`);
  }
  const rule = rules.get(type);
  if (rule === undefined) {
    if (type >= firstSkippableType) {
      return false;
    }
    throw new ProtocolBreach(`frame type ${type}`);
  }
  if (payloadBytes < rule.minBytes || payloadBytes > rule.maxBytes) {
    throw new ProtocolBreach(`frame type ${type} with ${payloadBytes} bytes`);
  }
  if (reserved !== 0 || channel > (rule.hasChannel ? 2 : 0)) {
    throw new ProtocolBreach(`frame type ${type} on channel ${channel}`);
  }
  if (rule.ofStream !== streamId > 0) {
    throw new ProtocolBreach(`frame type ${type} of stream ${streamId}`);
  }
  return true;
};
