import { z } from 'zod';
import { type AdmissionSettings, quotasByAccount } from '../admission/settings.ts';
import type { BlueprintSettings } from '../blueprints/settings.ts';
import type { ObjectSettings } from '../objects/settings.ts';
import type { RepositorySettings } from '../repositories/settings.ts';
import { buildSettings, buildVariables } from './builds.ts';
import { repositorySettings, repositoryVariables } from './repositories.ts';

/** What the server is told by its environment. */
export interface Config {
  readonly stateDirectory: string;
  readonly port: number;
  readonly listenAddress: string;
  readonly hostSocket: string;
  readonly databaseUrl: string;
  readonly masterKeyFile: string;
  /** Grade of isolation of boxes that name none. */
  readonly isolation: 'auto' | 'container' | 'gvisor';
  /** How much is started, and for whom; what is left out has its default. */
  readonly admission: Partial<AdmissionSettings>;
  /** How repositories are fetched; what is left out has its default. */
  readonly repositories: Partial<RepositorySettings>;
  /** Bound of mounts that are kept to be shared by boxes. */
  readonly mountCacheBytes?: number;
  /** Bounds of builds; what is left out has its default. */
  readonly blueprints: Partial<BlueprintSettings>;
  /** How long a box may stay suspended; endlessly when left out. */
  readonly suspendedTtlMs?: number;
  /** Where and how objects are kept. */
  readonly objects: Pick<ObjectSettings, 'blobs'> & Partial<ObjectSettings>;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

/** The environment does not fit; the message says every variable that is wrong, and how. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Longest path that fits `sockaddr_un` with its closing zero. */
const maximumSocketPathBytes = 107;

const absolutePath = z.string().regex(/^\//, 'must be an absolute path');
const socketPath = absolutePath.refine(
  (path) => Buffer.byteLength(path) <= maximumSocketPathBytes,
  `must not be longer than ${maximumSocketPathBytes} bytes: choose a shorter BERTH_STATE`,
);

const positive = z
  .string()
  .regex(/^\d{1,9}(\.\d{1,6})?$/, 'must be a number')
  .transform(Number)
  .pipe(z.number().positive());

const bytes = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a number of bytes')
  .transform(Number)
  .pipe(z.int().positive());

const jsonText = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'must be JSON' });
    return z.NEVER;
  }
});

const schema = z.object({
  BERTH_STATE: absolutePath.default('/var/lib/berth'),
  BERTH_PORT: z
    .string()
    .regex(/^\d{1,5}$/, 'must be a port number')
    .transform(Number)
    .pipe(z.int().min(0).max(65_535))
    .default(8080),
  BERTH_LISTEN: z.string().min(1).default('127.0.0.1'),
  BERTH_HOST_SOCKET: socketPath.optional(),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must start with postgres://')
    .optional(),
  BERTH_MASTER_KEY_FILE: absolutePath.optional(),
  BERTH_ISOLATION: z.enum(['auto', 'container', 'gvisor']).default('container'),
  BERTH_MEMORY_OVERCOMMIT: positive.optional(),
  BERTH_DISK_OVERCOMMIT: positive.optional(),
  BERTH_PARALLEL_STARTS: positive.pipe(z.int()).optional(),
  BERTH_EVICTION_NOTICE_SECONDS: positive.optional(),
  BERTH_SUSPENDED_TTL_HOURS: positive.optional(),
  BERTH_MOUNT_CACHE_BYTES: z
    .string()
    .regex(/^\d{1,15}$/, 'must be a number of bytes')
    .transform(Number)
    .optional(),
  ...repositoryVariables,
  ...buildVariables,
  BERTH_QUOTAS: jsonText.pipe(quotasByAccount).optional(),
  BERTH_BLOBS: z
    .string()
    .regex(/^(\/|s3:\/\/[^/?]+)/, 'must be an absolute directory or s3://bucket/prefix')
    .optional(),
  BERTH_MAX_OBJECT_BYTES: bytes.optional(),
  BERTH_PUBLIC_URL: z
    .url({ protocol: /^https?$/, error: 'must be a URL that starts with http:// or https://' })
    .optional(),
  BERTH_DOOR_ADDRESS: z.ipv4().optional(),
  BERTH_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

/** Address of the private cluster whose socket lies in this directory. */
export const socketDatabaseUrl = (directory: string, database = 'berth', user = 'berth'): string =>
  `postgres://${encodeURIComponent(user)}@localhost/${encodeURIComponent(database)}?host=${encodeURIComponent(directory)}`;

/** Reads and checks the environment. Empty variables count as not set. Throws {@link ConfigError}. */
export const readConfig = (environment: Readonly<Record<string, string | undefined>>): Config => {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const result = schema.safeParse(given);
  if (!result.success) {
    throw new ConfigError(result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('\n'));
  }
  const { data } = result;
  const hostSocket = data.BERTH_HOST_SOCKET ?? `${data.BERTH_STATE}/run/host.sock`;
  const checkedSocket = socketPath.safeParse(hostSocket);
  if (!checkedSocket.success) {
    throw new ConfigError(`the host socket ${hostSocket} ${checkedSocket.error.issues[0]?.message ?? 'does not fit'}`);
  }
  return {
    stateDirectory: data.BERTH_STATE,
    port: data.BERTH_PORT,
    listenAddress: data.BERTH_LISTEN,
    hostSocket,
    databaseUrl: data.DATABASE_URL ?? socketDatabaseUrl(`${data.BERTH_STATE}/run/postgres`),
    masterKeyFile: data.BERTH_MASTER_KEY_FILE ?? `${data.BERTH_STATE}/server/master.key`,
    isolation: data.BERTH_ISOLATION,
    admission: {
      ...(data.BERTH_MEMORY_OVERCOMMIT === undefined ? {} : { memoryOvercommit: data.BERTH_MEMORY_OVERCOMMIT }),
      ...(data.BERTH_DISK_OVERCOMMIT === undefined ? {} : { diskOvercommit: data.BERTH_DISK_OVERCOMMIT }),
      ...(data.BERTH_PARALLEL_STARTS === undefined ? {} : { parallelStarts: data.BERTH_PARALLEL_STARTS }),
      ...(data.BERTH_EVICTION_NOTICE_SECONDS === undefined
        ? {}
        : { evictionNoticeMs: data.BERTH_EVICTION_NOTICE_SECONDS * 1000 }),
      ...(data.BERTH_QUOTAS === undefined ? {} : { quotas: data.BERTH_QUOTAS as AdmissionSettings['quotas'] }),
    },
    repositories: repositorySettings(data, `${data.BERTH_STATE}/server/repositories`),
    ...(data.BERTH_MOUNT_CACHE_BYTES === undefined ? {} : { mountCacheBytes: data.BERTH_MOUNT_CACHE_BYTES }),
    blueprints: buildSettings(data),
    ...(data.BERTH_SUSPENDED_TTL_HOURS === undefined
      ? {}
      : { suspendedTtlMs: data.BERTH_SUSPENDED_TTL_HOURS * 3_600_000 }),
    objects: {
      blobs: data.BERTH_BLOBS ?? `${data.BERTH_STATE}/server/objects`,
      ...(data.BERTH_MAX_OBJECT_BYTES === undefined ? {} : { maximumBytes: data.BERTH_MAX_OBJECT_BYTES }),
      ...(data.BERTH_PUBLIC_URL === undefined ? {} : { publicUrl: data.BERTH_PUBLIC_URL }),
      ...(data.BERTH_DOOR_ADDRESS === undefined ? {} : { doorAddress: data.BERTH_DOOR_ADDRESS }),
    },
    logLevel: data.BERTH_LOG_LEVEL,
  };
};
