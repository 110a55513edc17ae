import { randomUUID } from 'node:crypto';
import type { BlobStore } from '../blobs/blob-store.ts';
import { openBlobStore } from '../blobs/open-blob-store.ts';
import type { Database } from '../database/database.ts';
import type { MasterKey } from '../secrets/master-key.ts';
import { ObjectContent } from './content.ts';
import { PresignedLinks } from './links.ts';
import type { ObjectSettings } from './settings.ts';
import { ObjectStore } from './store.ts';

/** What objects are made of, for their own routes and for whoever reads them (mounts, agents, builds). */
export interface ObjectParts {
  readonly store: ObjectStore;
  readonly blobs: BlobStore;
  readonly content: ObjectContent;
  readonly links: PresignedLinks;
  readonly settings: ObjectSettings;
}

/** Puts the parts together. Does no I/O yet. `port` is known once the server listens. */
export const objectParts = (
  database: Database,
  masterKey: MasterKey,
  settings: ObjectSettings,
  port: () => number,
): ObjectParts => {
  const blobs = openBlobStore(settings.blobs);
  const store = new ObjectStore(database, randomUUID());
  const { publicUrl, doorAddress } = settings;
  const links = new PresignedLinks({
    masterKey,
    ...(publicUrl === undefined ? {} : { publicUrl }),
    ...(doorAddress === undefined ? {} : { doorUrl: () => `http://${doorAddress}:${port()}` }),
  });
  return { store, blobs, content: new ObjectContent({ store, blobs }), links, settings };
};
