import type { Feature, FeatureParts } from '../feature.ts';
import { ObjectKeeper } from './keeper.ts';
import { ObjectListStore } from './list-store.ts';
import { objectRoutes } from './routes.ts';
import { ObjectService } from './service.ts';

/** Objects: routes, and in the background the end of what is due. */
export const objectFeature = (parts: FeatureParts): Feature => {
  const { database, objects, log } = parts;
  const { store, blobs, content, links, settings } = objects;
  const keeper = new ObjectKeeper({ store, blobs, log, uploadMs: settings.uploadMs });
  const service = new ObjectService({
    store,
    lists: new ObjectListStore(database),
    links,
    uploadUrlMs: settings.uploadUrlMs,
    uploadMs: settings.uploadMs,
    onLoose: keeper.soon,
    onDue: keeper.within,
  });
  content.onLoose = keeper.soon;
  return {
    routes: objectRoutes({ objects: service, content, links, maximumBytes: settings.maximumBytes }),
    start: async () => keeper.start(),
    stop: async () => {
      await keeper.stop();
      await blobs.close();
    },
  };
};
