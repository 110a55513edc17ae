import { Admission } from '../admission/admission.ts';
import { HostCapacity } from '../admission/capacity.ts';
import { defaultAdmissionSettings } from '../admission/settings.ts';
import { AdmissionStore } from '../admission/store.ts';
import { blueprintEngine } from '../blueprints/engine.ts';
import type { FeatureParts } from '../feature.ts';
import { LayerCache } from '../layers/layer-cache.ts';
import { LayerStore, layersTopic } from '../layers/store.ts';
import { mountKinds } from '../mounts/kinds.ts';
import { Mounts } from '../mounts/mounts.ts';
import { Reconciler } from '../reconciler/reconciler.ts';
import { defaultReconcilerSettings } from '../reconciler/settings.ts';
import { Sweep } from '../reconciler/sweep.ts';
import { imageProblem } from '../snapshots/image-wait.ts';
import { SnapshotKeeper } from '../snapshots/keeper.ts';
import { SnapshotKeeperStore } from '../snapshots/keeper-store.ts';
import { ActivityTracker } from './activity.ts';
import { DueStore } from './due-store.ts';
import { KnownDevboxes } from './known-devboxes.ts';
import { DevboxStore } from './store.ts';
import { TransitionStore } from './transition-store.ts';

/** Bound of layers of mounts where nobody says another. */
const defaultMountCacheBytes = 20 * 1024 ** 3;

/**
 * What works in the background on boxes, snapshots and blueprints: the reconciler, the keepers, and admission, which says who may start. They
 * hear of each other through the rows, and of changes in this process through the calls wired here.
 */
export const devboxEngine = (parts: FeatureParts) => {
  const { database, hub, host, accountSettings, secrets, log } = parts;
  const reconcilerSettings = { ...defaultReconcilerSettings, ...parts.reconciler };
  const settings = { ...defaultAdmissionSettings, ...parts.admission };
  const store = new DevboxStore(database, hub);
  const mounts = new Mounts(mountKinds(parts));
  const activity = new ActivityTracker({ database, log });
  const capacity = new HostCapacity({ host, settings, log });
  const admissionStore = new AdmissionStore(database, hub);
  const admission: Admission = new Admission({
    store: admissionStore,
    transitions: () => transitions,
    capacity,
    settings,
    limits: parts.limits,
    log,
    onAdmitted: (id) => reconciler.nudge(id),
    onEviction: (inMs) => reconciler.lookAtDeadlines(inMs),
  });
  const known = new KnownDevboxes(hub);
  const transitions: TransitionStore = new TransitionStore(database, known, (box) => admission.changed(box));
  const layers = new LayerCache({
    host,
    store: new LayerStore(database),
    log,
    cacheBytes: parts.mountCacheBytes ?? defaultMountCacheBytes,
  });
  const layerSweep = new Sweep({ name: 'layers', log, run: () => layers.compare() });
  const snapshotRows = new SnapshotKeeperStore(database, hub);
  const keeper = new SnapshotKeeper({
    host,
    store: snapshotRows,
    hub,
    log,
    firstPauseMs: reconcilerSettings.firstPauseMs,
    onTaken: () => reconciler.lookAtDeadlines(),
  });
  const blueprints = blueprintEngine(parts, () => layers.dropUnfounded());
  const reconciler: Reconciler = new Reconciler({
    host,
    store,
    transitions,
    activity,
    secrets,
    mounts,
    layers,
    defaultImage: () => capacity.description?.defaultImage,
    accountSettings: (id) => accountSettings.get(id),
    log,
    hub,
    dues: new DueStore(database),
    settings: { ...reconcilerSettings, parallelCreates: settings.parallelStarts },
    imageProblem: (id, signal) => imageProblem({ store: snapshotRows, hub }, id, signal),
    onReleased: (box) => admission.forget(box),
    evictions: {
      areWanted: () => admission.isShortOfMemory,
      cancel: (id) => admission.cancelEviction(id),
    },
    onHostConnected: async () => {
      capacity.expire();
      await capacity.refresh();
      await keeper
        .compare()
        .catch((error: unknown) => log.warn({ err: error }, 'snapshots not compared with the host'));
      await layers.compare().catch((error: unknown) => log.warn({ err: error }, 'layers not compared with the host'));
      await blueprints.keeper
        .compare()
        .catch((error: unknown) => log.warn({ err: error }, 'blueprints not compared with the host'));
    },
    onBuild: (state) => blueprints.keeper.heard(state),
  });
  let unsubscribe: () => void = () => undefined;
  return {
    store,
    known,
    mounts,
    transitions,
    activity,
    admission,
    admissionStore,
    capacity,
    keeper,
    reconciler,
    blueprints,
    start: async (): Promise<void> => {
      await admission.start();
      keeper.start();
      blueprints.keeper.start();
      reconciler.start();
      unsubscribe = hub.subscribe(layersTopic, () => layerSweep.soon());
    },
    stop: async (): Promise<void> => {
      unsubscribe();
      await Promise.all([
        admission.stop(),
        reconciler.stop(),
        keeper.stop(),
        blueprints.keeper.stop(),
        layerSweep.stop(),
      ]);
      await activity.stop();
    },
  };
};

export type DevboxEngine = ReturnType<typeof devboxEngine>;
