import { AccountQuotaService } from '../accounts/quotas.ts';
import { quotaRoutes } from '../accounts/routes.ts';
import { blueprintRoutes } from '../blueprints/routes.ts';
import { executionRoutes } from '../executions/routes.ts';
import { ExecutionService } from '../executions/service.ts';
import { ExecutionStreams } from '../executions/streams.ts';
import type { Feature, FeatureParts } from '../feature.ts';
import { fileRoutes } from '../files/routes.ts';
import { FileService } from '../files/service.ts';
import { forkRoutes } from '../forks/routes.ts';
import { ForkService } from '../forks/service.ts';
import { ForkStore } from '../forks/store.ts';
import { logRoutes } from '../logs/routes.ts';
import { LogService } from '../logs/service.ts';
import { SnapshotListStore } from '../snapshots/list-store.ts';
import { snapshotRoutes } from '../snapshots/routes.ts';
import { SnapshotService } from '../snapshots/service.ts';
import { SnapshotStore } from '../snapshots/store.ts';
import type { Devbox } from './devbox.ts';
import { DevboxDirectory } from './directory.ts';
import { devboxEngine } from './engine.ts';
import { LifecycleService } from './lifecycle-service.ts';
import { DevboxListStore } from './list-store.ts';
import { addDevboxMetrics } from './metrics.ts';
import { devboxRoutes } from './routes.ts';
import { DevboxService } from './service.ts';

/** Devboxes and all that happens in them: routes, and the engine in the background. */
export const devboxFeature = (parts: FeatureParts): Feature => {
  const { database, hub, host, accountSettings, secrets } = parts;
  const engine = devboxEngine(parts);
  const { store, known, mounts, transitions, activity, admission, keeper, reconciler, blueprints } = engine;
  const onUnsettled = (id: string, box?: Devbox): void => reconciler.nudge(id, box);
  const directory = new DevboxDirectory({ store, hub, known });
  const lists = new DevboxListStore(database);
  const devboxes = new DevboxService({
    store,
    lists,
    hub,
    host,
    secrets,
    mounts,
    accountSettings,
    admission,
    blueprints: blueprints.sources,
    known,
    births: reconciler.births,
    onUnsettled,
  });
  const lifecycle = new LifecycleService({ store, transitions, accountSettings, admission, onUnsettled });
  const snapshotStore = new SnapshotStore(database, hub);
  const snapshots = new SnapshotService({
    store: snapshotStore,
    lists: new SnapshotListStore(database),
    devboxes: store,
    hub,
    limits: parts.limits,
    onUnsettled: (id) => keeper.nudge(id),
  });
  const forks = new ForkService({
    store: new ForkStore(database),
    devboxes: store,
    admission,
    onForked: (snapshotId, boxes) => {
      keeper.nudge(snapshotId);
      for (const box of boxes) {
        onUnsettled(box.id, box);
      }
    },
  });
  const executions = new ExecutionService({ host, directory, activity });
  const streams = new ExecutionStreams({ host, executions, activity });
  addDevboxMetrics(parts, engine);
  return {
    routes: [
      ...quotaRoutes(
        new AccountQuotaService({
          admission,
          snapshots: snapshotStore,
          blueprints: blueprints.store,
          objects: parts.objects.store,
          limits: parts.limits,
        }),
      ),
      ...devboxRoutes(devboxes, lifecycle, { store: engine.admissionStore, hub }),
      ...snapshotRoutes(snapshots),
      ...blueprintRoutes(blueprints.service, blueprints.logs),
      ...forkRoutes(forks),
      ...executionRoutes(executions, streams),
      ...fileRoutes(new FileService({ host, directory, activity })),
      ...logRoutes(new LogService({ host, directory, hub })),
    ],
    start: engine.start,
    stop: engine.stop,
  };
};
