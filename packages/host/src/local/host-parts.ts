import type { BuildStore } from '../builds/build-store.ts';
import type { HostEvent, Isolation } from '../contract/index.ts';
import type { HelperClient } from '../helper/helper-client.ts';
import type { CgroupLayout } from '../runtimes/oci/cgroup-layout.ts';
import type { ProcessLimits } from '../runtimes/oci/machine-limits.ts';
import type { MachineLimits } from '../runtimes/oci/resources.ts';
import type { Runtimes } from '../runtimes/runtimes.ts';
import type { Spool } from '../spool/spool.ts';
import type { BoxStore } from './box-store.ts';
import type { HostConfiguration } from './configuration.ts';
import type { GuestBoxes } from './guest-boxes.ts';
import type { SnapshotStore } from './snapshot-store.ts';
import type { StatePaths } from './state-paths.ts';

/** The little that the host asks of a log; pino's loggers fit. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What the pieces of a LocalHost share. */
export interface HostParts {
  readonly configuration: HostConfiguration;
  readonly paths: StatePaths;
  readonly store: BoxStore;
  readonly snapshotStore: SnapshotStore;
  /** Places of sandboxes that wait for a build. */
  readonly readySandboxes: Set<string>;
  readonly builds: BuildStore;
  readonly spool: Spool;
  readonly helper: HelperClient;
  readonly guests: GuestBoxes;
  readonly runtimes: Runtimes;
  /** Process beside the init of the box in a place, where its runtime has one. */
  readonly companions: Map<string, number>;
  /** Why the memory of boxes of a grade cannot be kept, as the self-test found. */
  readonly memoryFaults: Map<Isolation, string>;
  readonly cgroups: CgroupLayout;
  readonly machine: MachineLimits;
  readonly process: ProcessLimits;
  readonly log: Log;
  /** Name server of the boxes, once the network is set up. */
  nameserver(): string;
  emit(event: HostEvent): void;
}

/** Network namespaces kept ready for boxes to come. */
export const READY_NETWORKS = 8;

/** Parent of all cgroups of an installation, below each hierarchy. */
export const cgroupParent = (configuration: Pick<HostConfiguration, 'interfacePrefix'>) =>
  `/berth-${configuration.interfacePrefix}`;

export const cgroupsPathOf = (configuration: Pick<HostConfiguration, 'interfacePrefix'>, place: string) =>
  `${cgroupParent(configuration)}/${place}`;

/** The nftables table of an installation. */
export const networkTable = (configuration: Pick<HostConfiguration, 'interfacePrefix'>) =>
  `berth_${configuration.interfacePrefix}`;
