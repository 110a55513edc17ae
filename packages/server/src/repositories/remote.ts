import { pinnedAddresses } from './addresses.ts';
import type { GitCall } from './git.ts';
import type { Location } from './location.ts';
import type { RepositorySettings } from './settings.ts';

/** A repository elsewhere, and what a call of git needs to reach it. */
export interface Remote {
  readonly url: string;
  readonly access: Pick<GitCall, 'credential' | 'credentialUrl' | 'pinned'>;
}

/** Looks at where the location is before anything is sent there. Throws `RepositoryError`. */
export const reach = async (location: Location, settings: RepositorySettings): Promise<Remote> => ({
  url: location.url,
  access: {
    ...(location.credential === undefined ? {} : { credential: location.credential, credentialUrl: location.url }),
    pinned: await pinnedAddresses(location.url, settings),
  },
});
