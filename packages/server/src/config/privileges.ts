import { ConfigError } from './config.ts';

/** Refuses to go on as root: the server parses the internet's bytes. `BERTH_ALLOW_ROOT=1` overrides, for development. */
export const refuseRoot = (
  environment: Readonly<Record<string, string | undefined>>,
  uid: number | undefined = process.getuid?.(),
): void => {
  if (uid === 0 && environment.BERTH_ALLOW_ROOT !== '1') {
    throw new ConfigError(
      'the server refuses to run as root; start it as an unprivileged user, or set BERTH_ALLOW_ROOT=1',
    );
  }
};
