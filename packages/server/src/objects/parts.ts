import { randomUUID } from 'node:crypto';
import type { Limits } from '../accounts/limits.ts';
import type { BlobStore } from '../blobs/blob-store.ts';
import { openBlobStore } from '../blobs/open-blob-store.ts';
import type { Database } from '../database/database.ts';
import type { MasterKey } from '../secrets/master-key.ts';
import { ObjectAllowance } from './allowance.ts';
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

/** What the parts of objects need of the server. */
export interface ObjectSurroundings {
  readonly database: Database;
  readonly limits: Limits;
  readonly masterKey: MasterKey;
  /** Known once the server listens. */
  readonly port: () => number;
}

/** Puts the parts together. Does no I/O yet. */
export const objectParts = (
  { database, limits, masterKey, port }: ObjectSurroundings,
  settings: ObjectSettings,
): ObjectParts => {
  const blobs = openBlobStore(settings.blobs);
  const store = new ObjectStore(database, randomUUID());
  const { publicUrl, doorAddress } = settings;
  const links = new PresignedLinks({
    masterKey,
    ...(publicUrl === undefined ? {} : { publicUrl }),
    ...(doorAddress === undefined ? {} : { doorUrl: () => `http://${doorAddress}:${port()}` }),
  });
  const allowance = new ObjectAllowance(store, limits);
  return { store, blobs, content: new ObjectContent({ store, blobs, limits, allowance }), links, settings };
};
