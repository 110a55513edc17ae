import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { ProtocolBreach } from './frame.ts';
import { type Hello, HelloSchema, type Open, OpenSchema, type Status, StatusSchema } from './generated/guest_pb.ts';

export {
  type Error as GuestError,
  Error_Code as GuestErrorCode,
  type Exec,
  type Exit,
  type FileInfo as GuestFileInfo,
  FileInfo_Kind as GuestFileKind,
  type Hello,
  type MetricsReport,
  type Open,
  type Status,
  Status_Phase as StatusPhase,
} from './generated/guest_pb.ts';

export type HelloInit = MessageInitShape<typeof HelloSchema>;
export type OpenInit = MessageInitShape<typeof OpenSchema>;
export type StatusInit = MessageInitShape<typeof StatusSchema>;

/** Versions of the protocol that this library speaks. */
export const protocolVersions = { min: 1, max: 1 } as const;

/** What the other side does not know is dropped instead of kept: a hostile peer must not fill memory with it. */
const reading = { readUnknownFields: false } as const;

const reader =
  <T>(name: string, read: (payload: Uint8Array) => T) =>
  (payload: Uint8Array): T => {
    try {
      return read(payload);
    } catch (cause) {
      throw new ProtocolBreach(`malformed ${name}`, { cause });
    }
  };

export const encodeHello = (hello: HelloInit): Uint8Array => toBinary(HelloSchema, create(HelloSchema, hello));
/** @throws ProtocolBreach when malformed, as the other decoders here. */
export const decodeHello: (payload: Uint8Array) => Hello = reader('Hello', (payload) =>
  fromBinary(HelloSchema, payload, reading),
);

export const encodeOpen = (open: OpenInit): Uint8Array => toBinary(OpenSchema, create(OpenSchema, open));
export const decodeOpen: (payload: Uint8Array) => Open = reader('Open', (payload) =>
  fromBinary(OpenSchema, payload, reading),
);

export const encodeStatus = (status: StatusInit): Uint8Array => toBinary(StatusSchema, create(StatusSchema, status));
export const decodeStatus: (payload: Uint8Array) => Status = reader('Status', (payload) =>
  fromBinary(StatusSchema, payload, reading),
);
