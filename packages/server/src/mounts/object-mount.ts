import { isWellFormedId } from '@berth/contract';
import { apiError } from '../errors/api-error.ts';
import type { ObjectStore } from '../objects/store.ts';
import { type MountKind, mountKind } from './mount-kind.ts';
import { type ObjectSource, placeObject } from './place-object.ts';

interface ObjectPlan {
  readonly objectId: string;
  readonly path: string;
}

export interface ObjectMountParts {
  readonly store: Pick<ObjectStore, 'findVisible'>;
  readonly content: ObjectSource;
}

/** Checks that the account may mount the object, and that there is something to mount. Throws `unknownSource`, `objectNotReadable`. */
export const requireMountable = async (
  store: ObjectMountParts['store'],
  account: string,
  objectId: string,
): Promise<void> => {
  const object = isWellFormedId('object', objectId) ? await store.findVisible(account, objectId) : undefined;
  if (object === undefined) {
    throw apiError('unknownSource', { resource: 'object', id: objectId.slice(0, 200) });
  }
  if (object.state !== 'READ_ONLY') {
    throw apiError('objectNotReadable', { id: objectId, state: object.state });
  }
};

const checkPath = (path: string): void => {
  if (!path.startsWith('/')) {
    throw apiError('invalidRequest', { problem: `object_path must be absolute: ${path.slice(0, 200)}` });
  }
};

/** An object of the account, or a public one: a file, or a directory where it is an archive (API §11). */
export const objectMount = ({ store, content }: ObjectMountParts): MountKind =>
  mountKind<'object_mount', ObjectPlan>({
    type: 'object_mount',
    plan: async (account, { object_id: objectId, object_path: path }) => {
      checkPath(path);
      await requireMountable(store, account, objectId);
      return { objectId, path };
    },
    describe: ({ objectId, path }) => `object mount ${path} (${objectId})`,
    place: (place, { objectId, path }, signal) => placeObject(content, place, objectId, path, signal),
  });
