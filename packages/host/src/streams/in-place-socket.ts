import { connect, Socket, type SocketConstructorOpts } from 'node:net';

/** Hears what a socket reads. The bytes are those of a buffer that is read into again: copy what is to outlive the call. */
export type ReadListener = (bytes: Buffer) => void;

const sharedBytes = 256 * 1024;

/**
 * The one buffer that all sockets of the process read into. A read and what hears of it are one call on one thread, so it is never in use twice; a
 * buffer for each read instead (what Node does by itself) makes a transfer of a gigabyte leave a gigabyte of garbage.
 */
const shared = Buffer.allocUnsafeSlow(sharedBytes);

/** A socket whose bytes come by `onRead`, never by 'data'. Set the listener before the event loop turns. */
export interface InPlaceSocket {
  readonly socket: Socket;
  onRead: ReadListener;
}

const unheard: ReadListener = () => undefined;

/** Options that make a socket read into the shared buffer, and the holder that it tells of it. */
const reading = (): { readonly holder: { socket?: Socket; onRead: ReadListener }; readonly onread: OnRead } => {
  const holder: { socket?: Socket; onRead: ReadListener } = { onRead: unheard };
  return {
    holder,
    onread: {
      buffer: shared,
      callback: (count) => {
        holder.onRead(shared.subarray(0, count));
        return true;
      },
    },
  };
};

type OnRead = NonNullable<SocketConstructorOpts['onread']>;

/** Dials a Unix socket. */
export const dialInPlace = (path: string): InPlaceSocket => {
  const { holder, onread } = reading();
  return Object.assign(holder, { socket: connect({ path, onread }) });
};

/**
 * Takes over a connection that a server made with `pauseOnConnect` has accepted. Node has the option `onread` for sockets that one makes, not for
 * those that a server accepts: so another socket is made of the same handle, and the accepted one is closed when that one is, for its server to
 * count it.
 */
export const adoptInPlace = (accepted: Socket): InPlaceSocket => {
  const { holder, onread } = reading();
  const owner = accepted as { _handle?: object | null };
  const handle = owner._handle;
  if (typeof handle !== 'object' || handle === null) {
    accepted.on('data', (bytes: Buffer) => holder.onRead(bytes));
    accepted.resume();
    return Object.assign(holder, { socket: accepted });
  }
  owner._handle = null;
  const socket = new Socket({ handle, onread } as SocketConstructorOpts);
  socket.once('close', () => accepted.destroy());
  socket.resume();
  return Object.assign(holder, { socket });
};
