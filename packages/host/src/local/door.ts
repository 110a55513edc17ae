import { lookup } from 'node:dns/promises';
import type { HelperCommands } from '../helper/protocol.ts';

/** What is known of the control plane's own entrances. */
export interface DoorConfiguration {
  /** TCP port of the API: the one that boxes may use, at the address of their name server. */
  readonly port: number;
  /** The API listens on more than the loopback: its port leads boxes to the door on every address of this machine. */
  readonly everywhere: boolean;
  /** Where the API is entered from outside, if that is another place. */
  readonly publicUrl?: URL;
}

type Door = NonNullable<HelperCommands['networkSetup']['args']['door']>;

const loopback = /^(localhost|127\.|::1$)/;

/** Reads the environment; undefined without a port. @throws Error that names the variable which is wrong */
export const readDoor = (environment: NodeJS.ProcessEnv): DoorConfiguration | undefined => {
  const port = Number(environment['BERTH_PORT']);
  if (!environment['BERTH_PORT'] || !Number.isInteger(port) || port < 1 || port > 65_535) {
    return undefined;
  }
  const listen = environment['BERTH_LISTEN'] || '127.0.0.1';
  const text = environment['BERTH_PUBLIC_URL'];
  const publicUrl = text ? URL.parse(text) : undefined;
  if (publicUrl === null) {
    throw new Error('BERTH_PUBLIC_URL: not a URL');
  }
  return { port, everywhere: !loopback.test(listen), ...(publicUrl === undefined ? {} : { publicUrl }) };
};

/** The door as the helper opens it. A public name that cannot be resolved now opens nothing; the next start of the host tries again. */
export const doorOf = async ({ port, everywhere, publicUrl }: DoorConfiguration): Promise<Door> => {
  if (publicUrl === undefined) {
    return { port, everywhere, entrances: [] };
  }
  const publicPort = Number(publicUrl.port) || (publicUrl.protocol === 'https:' ? 443 : 80);
  const found = await lookup(publicUrl.hostname, { family: 4, all: true }).catch(() => []);
  const entrances = found
    .filter(({ address }) => !loopback.test(address))
    .map(({ address }) => ({ address, port: publicPort }));
  return { port, everywhere, entrances };
};
