import { encodeOpen, StatusPhase } from '@berth/guest/protocol';
import { type BoxConnection, HostError } from '../contract/index.ts';
import { ByteQueue } from './byte-queue.ts';
import { toHostError } from './guest-error.ts';
import type { GuestLink } from './guest-link.ts';

const windowBytes = 1024 * 1024;
/** Bytes on their way into the box above which `write` waits. */
const maxHeldBytes = 512 * 1024;

/** TCP into the box. Resolves when the connection is made. @throws HostError `connectRefused` */
export const forward = (link: GuestLink, host: string, port: number): Promise<BoxConnection> =>
  new Promise((resolve, reject) => {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new HostError('connectRefused', `there is no port ${port}`);
    }
    const payload = encodeOpen({
      stdoutLimit: BigInt(windowBytes),
      request: { case: 'forward', value: { host, port } },
    });
    const readable = new ByteQueue((takenBytes) => link.acknowledge(stream, 1, takenBytes), destroy);
    const stream = link.open(
      () => payload,
      { windows: [windowBytes, 0], sends: true },
      {
        status: (status) => {
          if (status.phase === StatusPhase.FINISHED) {
            fail(status.error === undefined ? undefined : toHostError(status.error));
          } else if (status.phase === StatusPhase.RUNNING) {
            resolve({ readable, write, end, destroy });
          }
        },
        data: (_channel, bytes) => readable.push(bytes),
        eof: () => readable.end(),
        lost: fail,
      },
    );
    const { send } = stream;

    function fail(error: HostError | undefined): void {
      const cause = error ?? new HostError('connectRefused', 'the connection has ended');
      send?.fail(cause);
      if (error === undefined) {
        readable.end();
      } else {
        readable.fail(error);
      }
      link.close(stream);
      reject(cause);
    }

    function destroy(): void {
      send?.fail(new HostError('cancelled', 'the connection was closed'));
      readable.end();
      link.close(stream);
    }

    async function write(bytes: Uint8Array): Promise<void> {
      send?.push(new Uint8Array(bytes));
      link.sending(stream);
      await send?.whenReceived(send.written - maxHeldBytes);
    }

    function end(): Promise<void> {
      send?.end();
      link.sending(stream);
      return Promise.resolve();
    }
  });
