import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { readBuildConfiguration } from '../src/builds/build-configuration.ts';
import type { Isolation } from '../src/contract/index.ts';
import type { HostConfiguration } from '../src/local/configuration.ts';
import type { LocalHost } from '../src/local/local-host.ts';
import { openLocalHost } from '../src/local/open-local-host.ts';
import { removeInstallation } from '../src/local/removal.ts';
import { OwnerRange } from '../src/runtimes/oci/owner-range.ts';
import { openHostDatabase } from '../src/spool/database.ts';
import type { HostHarness } from './contract/harness.ts';
import { patienceMs } from './patience.ts';

interface Programs {
  readonly guestBinary: string;
  readonly helperBinary: string;
  readonly imageRootfs: string;
}

/** What a real box needs; or why it cannot be had here, for people to read. */
export const programs: Programs | string = await findPrograms();

/** runsc, or why there is none. */
export const runsc: { readonly path: string } | { readonly reason: string } = await findRunsc();

async function findRunsc(): Promise<{ path: string } | { reason: string }> {
  const cache = process.env['BERTH_CACHE'] ?? '/var/cache/berth';
  const built = await newest(join(cache, 'runsc'), (name) => existsSync(join(cache, 'runsc', name, 'runsc')));
  const path = process.env['BERTH_RUNSC'] ?? (built && join(built, 'runsc'));
  return path ? { path } : { reason: `needs runsc (BERTH_RUNSC, or ${cache}/runsc)` };
}

// `./berth test` has everything made beforehand: there a test that is left out is a test that fails.
if (process.env['BERTH_TEST_COMPLETE'] === '1') {
  if (typeof programs === 'string') {
    throw new Error(programs);
  }
  if ('reason' in runsc) {
    throw new Error(runsc.reason);
  }
}

/** Grades that can be tested here, with what an installation needs to have each as its strongest. */
export const grades: ReadonlyArray<{ readonly grade: Isolation; readonly change: Partial<HostConfiguration> }> = [
  ...(typeof programs === 'string' ? [] : [{ grade: 'container', change: {} } as const]),
  ...(typeof programs === 'string' || !('path' in runsc)
    ? []
    : [{ grade: 'gvisor', change: { runsc: runsc.path } } as const]),
];

async function findPrograms(): Promise<Programs | string> {
  if (process.getuid?.() !== 0) {
    return 'needs root';
  }
  const cache = process.env['BERTH_CACHE'] ?? '/var/cache/berth';
  const cachedPrograms = await newest(join(cache, 'bin'), (name) =>
    existsSync(join(cache, 'bin', name, 'berth-helper')),
  );
  const cachedImage = await newest(
    join(cache, 'images'),
    (name) => name.startsWith('default-') && existsSync(join(cache, 'images', name, 'rootfs')),
  );
  const from = (directory: string | undefined, name: string) => directory && join(directory, name);
  const guestBinary = process.env.BERTH_GUEST_BINARY ?? from(cachedPrograms, 'berth-guest');
  const helperBinary = process.env.BERTH_HELPER_BINARY ?? from(cachedPrograms, 'berth-helper');
  const imageRootfs = process.env.BERTH_TEST_ROOTFS ?? process.env.BERTH_IMAGE_ROOTFS ?? from(cachedImage, 'rootfs');
  if (guestBinary === undefined || helperBinary === undefined) {
    return `needs the programs berth-guest and berth-helper (BERTH_GUEST_BINARY, BERTH_HELPER_BINARY, or ${cache}/bin)`;
  }
  if (imageRootfs === undefined) {
    return `needs a root file system (BERTH_TEST_ROOTFS, or the default image in ${cache}/images)`;
  }
  return { guestBinary, helperBinary, imageRootfs };
}

/** The entry of the directory that was changed last, among those that fit; unfinished ones have an ending. */
async function newest(directory: string, fits: (name: string) => boolean): Promise<string | undefined> {
  const names = await readdir(directory).catch(() => []);
  const found = await Promise.all(
    names
      .filter((name) => !name.includes('.') && fits(name))
      .map(async (name) => ({ path: join(directory, name), changedMs: (await stat(join(directory, name))).mtimeMs })),
  );
  return found.sort((one, other) => other.changedMs - one.changedMs)[0]?.path;
}

/** The whole of one installation in a directory of its own. */
export interface Installation {
  readonly configuration: HostConfiguration;
  /** The same for a process of its own. */
  readonly environment: NodeJS.ProcessEnv;
  open(change?: Partial<HostConfiguration>): Promise<LocalHost>;
  /** Puts columns of a box's row, or a snapshot's, to what a host that died there would have left. No host may run. */
  rewriteRow(place: string, columns: Readonly<Record<string, string>>): void;
  rewriteSnapshot(snapshotId: string, columns: Readonly<Record<string, string>>): void;
  /** Paths of what the disk of a box lies on, top layer first. No host may run. */
  layersOf(place: string): string[];
  /** Destroys boxes, mounts, network, files. */
  remove(): Promise<void>;
}

export async function makeInstallation(change: Partial<HostConfiguration> = {}): Promise<Installation> {
  if (typeof programs === 'string') {
    throw new Error(programs);
  }
  const stateDirectory = await mkdtemp(join(tmpdir(), 'bh-'));
  await chmod(stateDirectory, 0o711);
  // Never that of the file that runs beside this one.
  const number = 2 * (process.pid % 100) + (Number(process.env['VITEST_POOL_ID'] ?? 0) % 2);
  const configuration: HostConfiguration = {
    ...programs,
    stateDirectory,
    runtime: process.env['BERTH_RUNTIME'] ?? 'runc',
    runsc: undefined,
    runscCommandsOnly: false,
    runscMissing: undefined,
    subnet: `10.${20 + number}.0.0/16`,
    interfacePrefix: `t${Math.random().toString(36).slice(2, 7)}`,
    owners: new OwnerRange(),
    volumeBytes: 4 * 2 ** 30,
    pool: 'off',
    poolMemoryBytes: undefined,
    runtimeTimeoutMs: patienceMs(30_000),
    nameservers: [],
    builds: readBuildConfiguration({ BERTH_BASE_IMAGES: 'local' }),
    logLevel: 'warn',
    ...change,
  };
  return {
    configuration,
    environment: {
      PATH: process.env.PATH ?? '',
      BERTH_STATE: configuration.stateDirectory,
      BERTH_GUEST_BINARY: configuration.guestBinary,
      BERTH_HELPER_BINARY: configuration.helperBinary,
      BERTH_IMAGE_ROOTFS: configuration.imageRootfs ?? '',
      BERTH_RUNTIME: configuration.runtime,
      ...(configuration.runsc === undefined ? {} : { BERTH_RUNSC: configuration.runsc }),
      BERTH_SUBNET: configuration.subnet,
      BERTH_INTERFACE_PREFIX: configuration.interfacePrefix,
      BERTH_FIRST_OWNER: String(configuration.owners.first),
      BERTH_OWNER_BOXES: String(configuration.owners.slots),
      BERTH_VOLUME_BYTES: String(configuration.volumeBytes),
      BERTH_POOL: configuration.pool,
      BERTH_RUNTIME_TIMEOUT_MS: String(configuration.runtimeTimeoutMs),
      ...(configuration.maxLayers === undefined ? {} : { BERTH_MAX_LAYERS: String(configuration.maxLayers) }),
    },
    open: (other = {}) => openLocalHost({ ...configuration, ...other }, silentLog),
    rewriteRow: (place, columns) => rewrite(configuration, 'boxes', 'place', place, columns),
    rewriteSnapshot: (snapshotId, columns) => rewrite(configuration, 'snapshots', 'id', snapshotId, columns),
    layersOf: (place) => layersOf(configuration, place),
    remove: async () => {
      await removeInstallation(configuration, { first: 'all', log: silentLog });
      await rm(stateDirectory, { recursive: true, force: true });
    },
  };
}

function rewrite(
  { stateDirectory }: HostConfiguration,
  table: string,
  key: string,
  value: string,
  columns: Readonly<Record<string, string>>,
): void {
  const database = openHostDatabase(join(stateDirectory, 'host/host.sqlite'));
  const names = Object.keys(columns).map((name) => `${name} = ?`);
  const { changes } = database
    .prepare(`UPDATE ${table} SET ${names.join(', ')} WHERE ${key} = ?`)
    .run(...Object.values(columns), value);
  database.close();
  if (changes !== 1) {
    throw new Error(`no row ${value} in ${table}`);
  }
}

function layersOf({ stateDirectory }: HostConfiguration, place: string): string[] {
  const database = openHostDatabase(join(stateDirectory, 'host/host.sqlite'));
  try {
    const row = database.prepare('SELECT layers FROM boxes WHERE place = ?').get(place);
    return z
      .array(z.object({ path: z.string() }))
      .parse(JSON.parse(String(row?.['layers'])))
      .map(({ path }) => path);
  } finally {
    database.close();
  }
}

const silentLog = {
  info: () => undefined,
  warn: () => undefined,
  error: (fields: object, message: string) => console.error(message, fields),
};

/** LocalHost under the contract, in an installation of its own. */
export async function localHarness(
  change: Partial<HostConfiguration> = {},
): Promise<HostHarness & { readonly local: LocalHost }> {
  const installation = await makeInstallation(change);
  const local = await installation.open();
  return {
    local,
    host: local,
    isolation: installation.configuration.runsc === undefined ? 'container' : 'gvisor',
    killBox: async (boxId) => killInit(local, boxId),
    listenEcho: async (boxId, port) => {
      const echo = `use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => ${port}, Listen => 1, ReuseAddr => 1) or die; $| = 1; print "listening\\n"; my $c = $s->accept; while (sysread($c, my $b, 65536)) { my $at = 0; while ($at < length $b) { $at += syswrite($c, $b, length($b) - $at, $at); } }`;
      const executionId = `echo-${port}`;
      await local.execute(boxId, { executionId, origin: 'exec', command: `exec perl -e '${echo}'` });
      for await (const _chunk of local.output(boxId, executionId, 'stdout', 0)) {
        break;
      }
    },
    close: async () => {
      await local.close();
      await installation.remove();
    },
  };
}

/** SIGKILL to the init process of a box. */
export function killInit(local: LocalHost, boxId: string): void {
  const pid = local.initPid(boxId);
  if (pid === undefined) {
    throw new Error(`box ${boxId} has no process`);
  }
  process.kill(pid, 'SIGKILL');
}
