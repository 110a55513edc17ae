import type { Installation } from '../installation/installation.ts';
import type { StatePaths } from '../installation/paths.ts';

/** Variables of the caller that services see; the rest (keys and tokens of the person who typed the command) stays outside. */
const passedOn =
  /^(PATH|HOME|LANG|TZ|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY|BERTH_[A-Z_]+|AWS_[A-Z0-9_]+)$/;

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export const commonEnvironment = (paths: StatePaths): Record<string, string> => {
  const environment: Record<string, string> = {};
  for (const [key, value] of Object.entries(process.env)) {
    if (passedOn.test(key) && value !== undefined) {
      environment[key] = value;
    }
  }
  return {
    ...environment,
    PATH: `${environment['PATH'] ?? ''}:${defaultPath}`,
    LANG: 'C.UTF-8',
    BERTH_STATE: paths.state,
  };
};

export const hostEnvironment = (paths: StatePaths, installation: Installation): Record<string, string> => ({
  ...commonEnvironment(paths),
  BERTH_SUBNET: installation.subnet,
  BERTH_INTERFACE_PREFIX: installation.interfacePrefix,
  BERTH_FIRST_OWNER: String(installation.firstOwner),
  BERTH_OWNER_BOXES: String(installation.ownerBoxes),
  BERTH_PORT: String(installation.port),
  BERTH_LISTEN: listenAddress(),
});

export const serverEnvironment = (paths: StatePaths, installation: Installation): Record<string, string> => ({
  ...commonEnvironment(paths),
  HOME: paths.server,
  BERTH_PORT: String(installation.port),
  BERTH_LISTEN: listenAddress(),
  BERTH_DOOR_ADDRESS: doorAddress(installation.subnet),
  BERTH_HOST_SOCKET: paths.hostSocket,
  BERTH_MASTER_KEY_FILE: paths.masterKey,
  ...(process.env['DATABASE_URL'] === undefined ? {} : { DATABASE_URL: process.env['DATABASE_URL'] }),
});

/** The first address of the boxes' network: their name server, and where they reach what presigned URLs name. */
export const doorAddress = (subnet: string): string => subnet.replace(/0\/\d+$/, '1');

/** Address the API listens on. */
export const listenAddress = (): string => process.env['BERTH_LISTEN'] || '127.0.0.1';
