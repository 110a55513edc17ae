import type { IncomingMessage } from 'node:http';
import type { RouteContract } from '@berth/contract';
import type { Logger } from 'pino';
import { apiError } from '../errors/api-error.ts';
import type { FrontDoor } from './front-door.ts';

const wildcards: ReadonlySet<string> = new Set(['0.0.0.0', '::', '']);
const retryMs = 1_000;

/**
 * Listens at the door too, the address by which boxes reach this server. It comes into being with the network of the host: until then, and
 * whenever it cannot be had, this tries again. Returns what ends the trying.
 */
export const listenAtDoor = (
  frontDoor: Pick<FrontDoor, 'listen'>,
  place: { readonly doorAddress: string; readonly port: number; readonly listenAddress: string },
  log: Logger,
): (() => void) => {
  if (wildcards.has(place.listenAddress)) {
    return () => undefined;
  }
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let told = false;
  const attempt = (): void => {
    frontDoor.listen(place.port, place.doorAddress).catch((error: NodeJS.ErrnoException) => {
      if (stopped) {
        return;
      }
      if (!told && error.code !== 'EADDRNOTAVAIL') {
        told = true;
        log.warn(
          { err: error, address: place.doorAddress, port: place.port },
          'boxes do not reach objects: cannot listen at their door',
        );
      }
      timer = setTimeout(attempt, retryMs).unref();
    });
  };
  attempt();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
};

/** Refuses, at the door, all that is not meant for boxes: as if there was nothing else. */
export const checkDoor = (
  request: IncomingMessage,
  contract: Pick<RouteContract, 'method' | 'path' | 'atDoor'>,
  doorAddress: string | undefined,
): void => {
  if (doorAddress === undefined || contract.atDoor === true) {
    return;
  }
  const local = request.socket.localAddress;
  if (local === doorAddress || local === `::ffff:${doorAddress}`) {
    throw apiError('routeNotFound', { method: contract.method, path: contract.path });
  }
};
