import { readFileSync } from 'node:fs';
import { readInstallation } from '../installation/installation.ts';
import { statePaths } from '../installation/paths.ts';
import { CommandFailure } from '../output/failure.ts';

/** Where the API is, and the key for it. */
export interface Endpoint {
  readonly baseUrl: string;
  readonly apiKey: string;
}

/**
 * The API that commands speak to: `RUNLOOP_BASE_URL` and `RUNLOOP_API_KEY`, else the installation on this machine.
 * @param options `local`: the installation on this machine, whatever the variables say
 * @throws CommandFailure when neither is there or readable
 */
export const findEndpoint = (options: { readonly local?: boolean } = {}): Endpoint => {
  const named = options.local ? {} : process.env;
  return {
    baseUrl: named['RUNLOOP_BASE_URL']?.replace(/\/+$/, '') || localBaseUrl(),
    apiKey: named['RUNLOOP_API_KEY'] || localApiKey(),
  };
};

const localBaseUrl = (): string => {
  const installation = readInstallation(statePaths());
  if (installation === undefined) {
    throw new CommandFailure('there is no Berth on this machine yet', {
      hint: 'run ./berth up, or set RUNLOOP_BASE_URL and RUNLOOP_API_KEY to reach another one',
    });
  }
  return localUrl(installation.port);
};

/** Base URL of an API that listens on this machine. */
export const localUrl = (port: number): string => {
  const address = process.env['BERTH_LISTEN'] || '127.0.0.1';
  const host =
    address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address.includes(':') ? `[${address}]` : address;
  return `http://${host}:${port}`;
};

const localApiKey = (): string => {
  const paths = statePaths();
  try {
    return readFileSync(paths.apiKey, 'utf8').trim();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new CommandFailure(
      code === 'EACCES' ? `only root may read ${paths.apiKey}` : `there is no API key in ${paths.apiKey}`,
      { hint: 'set RUNLOOP_API_KEY, or run as root after ./berth up' },
    );
  }
};
