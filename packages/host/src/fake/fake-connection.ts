import type { BoxConnection } from '../contract/index.ts';

/** A peer that listens on a port inside a fake box: gets the connection's bytes, writes its own. */
export type FakePort = (incoming: AsyncIterable<Uint8Array>, write: (bytes: Uint8Array) => void) => Promise<void>;

const ignore = () => undefined;

/** A connection to the peer; it ends when the peer is done. */
export function fakeConnection(peer: FakePort): BoxConnection {
  const inward = new TransformStream<Uint8Array, Uint8Array>();
  const outward = new TransformStream<Uint8Array, Uint8Array>();
  const writer = inward.writable.getWriter();
  const answers = outward.writable.getWriter();
  void peer(inward.readable, (bytes) => void answers.write(bytes).catch(ignore))
    .finally(() => answers.close())
    .catch(ignore);
  return {
    readable: outward.readable,
    // A copy: they may be lent, and the peer may keep them.
    write: (bytes) => writer.write(Uint8Array.from(bytes)),
    end: () => writer.close(),
    destroy: () => {
      void writer.abort().catch(ignore);
      void answers.close().catch(ignore);
    },
  };
}
