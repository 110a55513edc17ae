import { executionRoutes } from '../executions/routes.ts';
import { ExecutionService } from '../executions/service.ts';
import { ExecutionStreams } from '../executions/streams.ts';
import type { Feature, FeatureParts } from '../feature.ts';
import { fileRoutes } from '../files/routes.ts';
import { FileService } from '../files/service.ts';
import { logRoutes } from '../logs/routes.ts';
import { LogService } from '../logs/service.ts';
import { Reconciler } from '../reconciler/reconciler.ts';
import { defaultReconcilerSettings } from '../reconciler/settings.ts';
import { ActivityTracker } from './activity.ts';
import { DevboxDirectory } from './directory.ts';
import { DueStore } from './due-store.ts';
import { DevboxListStore } from './list-store.ts';
import { devboxRoutes } from './routes.ts';
import { DevboxService } from './service.ts';
import { DevboxStore } from './store.ts';
import { TransitionStore } from './transition-store.ts';

/** Devboxes and all that happens in them: routes, and the reconciler in the background. */
export const devboxFeature = (parts: FeatureParts): Feature => {
  const { database, hub, host, secrets, metrics, log } = parts;
  const store = new DevboxStore(database, hub);
  const transitions = new TransitionStore(database, hub);
  const lists = new DevboxListStore(database);
  const activity = new ActivityTracker({ database, log });
  const directory = new DevboxDirectory({ store, hub });
  const reconciler = new Reconciler({
    host,
    store,
    transitions,
    activity,
    secrets,
    log,
    hub,
    dues: new DueStore(database),
    settings: { ...defaultReconcilerSettings, ...parts.reconciler },
  });
  const devboxes = new DevboxService({
    store,
    lists,
    transitions,
    hub,
    secrets,
    onUnsettled: (id) => reconciler.nudge(id),
  });
  const executions = new ExecutionService({ host, directory, activity });
  const streams = new ExecutionStreams({ host, executions, activity });
  metrics.gauge('berth_host_connected', '1 while the events of the host are followed', () =>
    Number(reconciler.hostConnected),
  );
  metrics.gauge('berth_devboxes_in_motion', 'Devboxes that the reconciler works on', () => reconciler.inMotion);
  return {
    routes: [
      ...devboxRoutes(devboxes),
      ...executionRoutes(executions, streams),
      ...fileRoutes(new FileService({ host, directory, activity })),
      ...logRoutes(new LogService({ host, directory, hub })),
    ],
    start: async () => reconciler.start(),
    stop: async () => {
      await reconciler.stop();
      await activity.stop();
    },
  };
};
