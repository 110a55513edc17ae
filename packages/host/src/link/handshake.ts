import {
  decodeHello,
  encodeFrame,
  encodeHello,
  FrameType,
  maxPayloadBytes,
  ProtocolBreach,
  protocolVersions,
} from '@berth/guest/protocol';

const agentVersion = 'berth-host/1';
const bootIdBytes = 16;

/** The host's first frame. */
export const hostHello = (): Buffer =>
  encodeFrame(
    FrameType.hello,
    0,
    encodeHello({
      protocolMin: protocolVersions.min,
      protocolMax: protocolVersions.max,
      agentVersion,
      maxPayloadBytes,
    }),
  );

/**
 * Reads the guest's first frame.
 * @returns its boot id in hex, `undefined` when there is no common version of the protocol. @throws ProtocolBreach
 */
export const readGuestHello = (type: number, payload: Uint8Array): string | undefined => {
  if (type !== FrameType.hello) {
    throw new ProtocolBreach(`frame type ${type} before HELLO`);
  }
  const hello = decodeHello(payload);
  if (hello.bootId.length !== bootIdBytes) {
    throw new ProtocolBreach(`boot id of ${hello.bootId.length} bytes`);
  }
  const common = hello.protocolMin <= protocolVersions.max && hello.protocolMax >= protocolVersions.min;
  return common ? Buffer.from(hello.bootId).toString('hex') : undefined;
};
