import { readFile } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { type BuildConfiguration, readBuildConfiguration } from '../builds/build-configuration.ts';
import { OwnerRange } from '../runtimes/oci/owner-range.ts';
import { type DoorConfiguration, readDoor } from './door.ts';

const DEFAULT_RUNTIME_TIMEOUT_MS = 30_000;

/** What an installation tells its host. */
export interface HostConfiguration {
  readonly stateDirectory: string;
  readonly guestBinary: string;
  readonly helperBinary: string;
  /** Directory of the default image; may come into being later. */
  readonly imageRootfs: string | undefined;
  /** OCI runtime of the grade `container`: a name in PATH or a path. */
  readonly runtime: string;
  /** runsc, the runtime of the grade `gvisor`; without one the machine lacks that grade. */
  readonly runsc: string | undefined;
  /** Whether its sandboxes are never asked for anything but by its own commands. */
  readonly runscCommandsOnly: boolean;
  /** Why there is no runsc, when the launcher knows. */
  readonly runscMissing: string | undefined;
  /** Network of the boxes, a /16. */
  readonly subnet: string;
  /** Start of the names of interfaces, the nftables table and the cgroup parent of this installation. */
  readonly interfacePrefix: string;
  /** Outer user ids of the boxes. Never changed once there are boxes: their files belong to these ids. */
  readonly owners: OwnerRange;
  /** Size of the volume's file; decided by the free space when left out. */
  readonly volumeBytes: number | undefined;
  /** Whether boxes wait started for creates to come. */
  readonly pool: 'auto' | 'off';
  /** What waiting boxes may take of the machine's memory; decided by its size when left out. */
  readonly poolMemoryBytes: number | undefined;
  /** Patience with a command of an OCI runtime, in milliseconds; those that read or write the memory of a box get more. */
  readonly runtimeTimeoutMs: number;
  readonly nameservers: readonly string[];
  /** Most layers of a disk before those of snapshots are merged; as many as an overlay takes when left out. */
  readonly maxLayers?: number;
  readonly builds: BuildConfiguration;
  /** How boxes reach the control plane; not at all when left out. */
  readonly door?: DoorConfiguration;
  readonly logLevel: string;
}

/** Reads the environment. @throws Error that names the variable which is missing or wrong. */
export async function readConfiguration(environment: NodeJS.ProcessEnv): Promise<HostConfiguration> {
  const need = (name: string): string => {
    const value = environment[name];
    if (value === undefined || value === '') {
      throw new Error(`${name} is not set`);
    }
    return value;
  };
  const interfacePrefix = environment.BERTH_INTERFACE_PREFIX ?? 'bth';
  if (!/^[a-z][a-z0-9]{0,7}$/.test(interfacePrefix)) {
    throw new Error('BERTH_INTERFACE_PREFIX: up to 8 lower-case letters and digits, a letter first');
  }
  const number = (name: string, of: string): number | undefined => {
    const value = environment[name];
    if (value !== undefined && !/^\d+$/.test(value)) {
      throw new Error(`${name}: a number of ${of}`);
    }
    return value === undefined ? undefined : Number(value);
  };
  const bytes = (name: string) => number(name, 'bytes');
  const pool = environment['BERTH_POOL'] ?? 'auto';
  if (pool !== 'auto' && pool !== 'off') {
    throw new Error('BERTH_POOL: auto or off');
  }
  const door = readDoor(environment);
  const maxLayers = number('BERTH_MAX_LAYERS', 'layers');
  return {
    ...(door === undefined ? {} : { door }),
    ...(maxLayers === undefined ? {} : { maxLayers }),
    stateDirectory: environment.BERTH_STATE ?? '/var/lib/berth',
    guestBinary: need('BERTH_GUEST_BINARY'),
    helperBinary: need('BERTH_HELPER_BINARY'),
    imageRootfs: environment.BERTH_IMAGE_ROOTFS,
    runtime: environment.BERTH_RUNTIME ?? 'runc',
    runsc: environment.BERTH_RUNSC || undefined,
    runscCommandsOnly: environment.BERTH_RUNSC_COMMANDS_ONLY === '1',
    runscMissing: environment.BERTH_RUNSC_MISSING || undefined,
    subnet: environment.BERTH_SUBNET ?? '10.213.0.0/16',
    interfacePrefix,
    owners: new OwnerRange(number('BERTH_FIRST_OWNER', 'ids'), number('BERTH_OWNER_BOXES', 'boxes')),
    volumeBytes: bytes('BERTH_VOLUME_BYTES'),
    pool,
    poolMemoryBytes: bytes('BERTH_POOL_MEMORY_BYTES'),
    runtimeTimeoutMs: number('BERTH_RUNTIME_TIMEOUT_MS', 'milliseconds') ?? DEFAULT_RUNTIME_TIMEOUT_MS,
    nameservers: parseNameservers(await readFile('/etc/resolv.conf', 'utf8').catch(() => '')),
    builds: readBuildConfiguration(environment),
    logLevel: environment.BERTH_LOG_LEVEL ?? 'info',
  };
}

/** IPv4 name servers of a resolv.conf, in order. */
export function parseNameservers(resolvConf: string): string[] {
  return [...resolvConf.matchAll(/^\s*nameserver\s+(\S+)/gm)]
    .map((match) => match[1] ?? '')
    .filter((one) => isIPv4(one));
}
