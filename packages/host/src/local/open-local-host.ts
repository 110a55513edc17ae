import { mkdir, writeFile } from 'node:fs/promises';
import { buildAt, type RunningSandbox } from '../builds/build-parts.ts';
import { BuildStore } from '../builds/build-store.ts';
import { openBuilder } from '../builds/open-builder.ts';
import { registryAddresses } from '../builds/private-registries.ts';
import { EventHub } from '../events/event-hub.ts';
import { HelperClient } from '../helper/helper-client.ts';
import type { HelperEvent } from '../helper/protocol.ts';
import { openGuestBox } from '../link/open-guest-box.ts';
import { RunscCommand } from '../runtimes/gvisor/runsc-command.ts';
import { detectCgroups } from '../runtimes/oci/cgroup-layout.ts';
import { prepareCgroupParent } from '../runtimes/oci/cgroup-parent.ts';
import { readMachineLimits, readProcessLimits } from '../runtimes/oci/machine-limits.ts';
import { RuntimeCommand } from '../runtimes/oci/runtime-command.ts';
import { Runtimes } from '../runtimes/runtimes.ts';
import { openHostDatabase } from '../spool/database.ts';
import { Spool } from '../spool/spool.ts';
import { defaultLayers } from './box-image.ts';
import { BoxLifecycle } from './box-lifecycle.ts';
import { isPresent } from './box-row.ts';
import { BoxStore } from './box-store.ts';
import { type WatchParts, watchBox } from './box-watch.ts';
import type { HostConfiguration } from './configuration.ts';
import { doorOf } from './door.ts';
import { GuestBoxes } from './guest-boxes.ts';
import { cgroupParent, type HostParts, type Log, networkTable, READY_NETWORKS } from './host-parts.ts';
import { testIsolations } from './isolations.ts';
import { LocalHost } from './local-host.ts';
import { openPool } from './pool/open-pool.ts';
import { recover } from './recovery.ts';
import { SnapshotStore } from './snapshot-store.ts';
import { StatePaths } from './state-paths.ts';
import { ensureVolume } from './volume.ts';

/** Takes up what earlier lives left and resolves to a host that can be used. One at a time for a state directory. */
export async function openLocalHost(configuration: HostConfiguration, log: Log): Promise<LocalHost> {
  const paths = new StatePaths(configuration.stateDirectory);
  paths.checkLengths();
  await makeDirectories(paths);
  const [cgroups, machine, processLimits] = await Promise.all([
    detectCgroups(),
    detectCgroups().then(readMachineLimits),
    readProcessLimits(),
    ensureVolume(paths, configuration.volumeBytes, (problem) => log.warn({}, problem)),
  ]);
  const database = openHostDatabase(paths.database);
  const store = new BoxStore(database, defaultLayers(configuration.imageRootfs));
  const snapshotStore = new SnapshotStore(database);
  const builds = new BuildStore(database);
  const sandboxes = new Map<string, RunningSandbox>();
  const hub = new EventHub();
  const watching = {
    runtimes: makeRuntimes(configuration, paths),
    companions: new Map<string, number>(),
    cgroups,
    configuration,
  };
  await prepareCgroupParent(cgroups, cgroupParent(configuration));
  let nameserver = '';
  let lifecycle: BoxLifecycle | undefined;

  const onHelperEvent = (event: HelperEvent) => {
    if (event.event === 'log') {
      log[event.level]({ part: 'helper' }, event.message);
      return;
    }
    if (buildAt(event.boxId) !== undefined) {
      sandboxes.get(event.boxId)?.exited(event.pid, event.waitStatus);
      return;
    }
    void lifecycle?.exited(event.boxId, event.pid, event.waitStatus);
  };
  const helper = new HelperClient({
    binary: configuration.helperBinary,
    onEvent: onHelperEvent,
    onStart: async (life) => {
      nameserver = await prepareHelper(
        { ...watching, helper: life },
        store,
        [...sandboxes.values()],
        configuration,
        paths,
      );
    },
    onExit: (reason) => log.error({ reason }, 'helper ended; it is started again'),
  });
  await helper.started();

  const spool = new Spool({ directory: paths.spool, database });
  const guests = new GuestBoxes((place) => {
    const owner = configuration.owners.baseOf(store.requireAt(place).slot);
    const idOf = () => store.at(place)?.id ?? place;
    return openGuestBox({
      boxId: place,
      spool,
      socketPath: paths.linkSocket(place),
      socketOwner: { uid: owner, gid: owner },
      listener: {
        onBreach: (detail) => {
          lifecycle
            ?.stop(place, async () => ({ cause: 'protocol_breach', detail }))
            .catch((error: unknown) => log.error({ boxId: idOf(), error: String(error) }, 'box could not be stopped'));
        },
        onExecutionCompleted: (executionId) =>
          hub.emit({ type: 'execution', boxId: idOf(), executionId, status: 'completed' }),
        onFailure: (error) => log.error({ boxId: idOf(), error: String(error) }, 'box link failed'),
      },
    });
  });
  const parts: HostParts = {
    paths,
    store,
    snapshotStore,
    builds,
    readySandboxes: new Set(),
    spool,
    helper,
    guests,
    ...watching,
    memoryFaults: new Map(),
    machine,
    process: processLimits,
    log,
    nameserver: () => nameserver,
    emit: (event) => hub.emit(event),
  };
  const boxes = new BoxLifecycle(parts);
  // Ends that were told before this line are found by the recovery itself.
  lifecycle = boxes;
  await recover(parts, boxes);
  const isolations = await testIsolations(parts);
  for (const { isolation, memory } of isolations) {
    if (memory?.reason !== undefined) {
      parts.memoryFaults.set(isolation, memory.reason);
    }
  }
  for (const { isolation, usable, reason, memory } of isolations) {
    log.info({ isolation, usable, reason, memory }, 'isolation');
  }
  const pool = openPool(parts, boxes);
  const builder = await openBuilder({
    ...parts,
    settings: configuration.builds,
    ownerBase: configuration.owners.buildBase,
    sandboxes,
    emit: (state) => hub.emit({ type: 'build', state }),
    release: async (layer) => pool?.release(layer),
  });
  await writeFile(paths.buildsFinding, JSON.stringify(await builder.figures()), { mode: 0o644 });
  await writeFile(paths.isolations, JSON.stringify(isolations), { mode: 0o644 });
  return new LocalHost({
    parts,
    lifecycle: boxes,
    hub,
    isolations,
    pool,
    builder,
    release: async () => {
      await guests.closeAll();
      helper.close();
      spool.close();
      database.close();
    },
  });
}

/** What each life of the helper must know: the network with its taken slots, and whom to watch. */
async function prepareHelper(
  watching: WatchParts,
  store: BoxStore,
  sandboxes: readonly RunningSandbox[],
  configuration: HostConfiguration,
  paths: StatePaths,
): Promise<string> {
  const present = store.all().filter(({ phase }) => phase !== 'stopped' && phase !== 'destroyed');
  const { helper } = watching;
  await helper.call('quotaEnable', { volume: paths.volume });
  const { nameserver } = await helper.call('networkSetup', {
    table: networkTable(configuration),
    interfacePrefix: configuration.interfacePrefix,
    subnet: configuration.subnet,
    ready: READY_NETWORKS,
    inUse: [...present, ...sandboxes.flatMap(({ running }) => running ?? [])].flatMap(({ netSlot }) =>
      netSlot === undefined ? [] : [netSlot],
    ),
    nameservers: [...configuration.nameservers],
    ...(configuration.door === undefined ? {} : { door: await doorOf(configuration.door) }),
    registries: await registryAddresses(configuration.builds.privateRegistries),
  });
  await Promise.all(sandboxes.map((sandbox) => sandbox.watch(helper)));
  for (const row of present) {
    if (row.phase === 'running') {
      await watchBox(watching, row);
    } else if (isPresent(row)) {
      // One that is only coming may be half there; whoever brings it sees to it.
      await watchBox(watching, row).catch(() => undefined);
    }
  }
  return nameserver;
}

function makeRuntimes({ runtime, runsc, runscCommandsOnly }: HostConfiguration, paths: StatePaths): Runtimes {
  return new Runtimes({
    container: new RuntimeCommand(runtime, paths.runcRoot),
    ...(runsc === undefined
      ? {}
      : { gvisor: new RunscCommand(runsc, paths.runscRoot, { commandsOnly: runscCommandsOnly }) }),
  });
}

async function makeDirectories(paths: StatePaths): Promise<void> {
  for (const [directory, mode] of [
    [paths.state, 0o711],
    [paths.host, 0o700],
    [paths.spool, 0o700],
    [paths.run, 0o755],
    [paths.links, 0o711],
    [paths.bundles, 0o711],
    [paths.runcRoot, 0o700],
    [paths.runscRoot, 0o700],
  ] as const) {
    await mkdir(directory, { recursive: true, mode });
  }
}
