import { z } from 'zod';

/**
 * Shapes of the arguments that a client may send, method by method: the border between a client with no rights and a host that is root.
 * Every string is bounded; ids are safe as names of files, cgroups and namespaces.
 */

/** Also bounds the path of a box's socket (108 bytes by the kernel). */
const boxId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,47}$/);
const snapshotId = boxId;
const buildId = boxId;
const imageId = boxId;
const executionId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/);
const shellName = z.string().min(1).max(128);
const account = z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?$/);
const withoutNul = (text: string) => !text.includes('\0');
const path = z.string().min(1).max(4096).refine(withoutNul, 'a path holds no NUL');
const hostPath = path.refine((text) => text.startsWith('/') && !text.split('/').includes('..'), 'not an absolute path');
const environment = z
  .record(
    z.string().min(1).max(1024),
    z
      .string()
      .max(256 * 1024)
      .refine(withoutNul, 'a value holds no NUL'),
  )
  .refine((all) => Object.keys(all).length <= 4096, 'more than 4,096 variables')
  .refine((all) => Object.keys(all).every((name) => !/[=\0]/.test(name)), 'a name holds no "=" and no NUL');
const ids = z.int().min(0).max(65_535);
const timeoutMs = z
  .number()
  .min(0)
  .max(24 * 3_600_000);
const lastLines = z.int().min(0).max(1_000_000);
const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

const boxUser = z.object({ name: account, uid: ids, gid: ids, home: path });

const boxSpec = z.object({
  id: boxId,
  isolation: z.enum(['auto', 'container', 'gvisor', 'microvm']),
  image: z.union([
    z.literal('default'),
    z.object({
      layers: z
        .array(z.object({ path: hostPath, ownerBase: z.int().min(0).max(0xffff_0000) }))
        .min(1)
        .max(128),
      environment,
    }),
    z.object({ imageId }),
    z.object({ snapshotId, memory: z.boolean() }),
  ]),
  size: z.object({
    cpus: z.number().positive().max(4096),
    memoryBytes: count.min(16 * 1024 * 1024),
    diskBytes: count.min(16 * 1024 * 1024),
    processes: z.int().min(8).max(4_194_304),
  }),
  user: boxUser,
  hostname: z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$/),
  environment,
  networkOf: boxId.exactOptional(),
});

/** What one Open of the guest link carries bounds a command; past this it is refused as too large. */
const command = z
  .string()
  .max(16 * 1024 * 1024)
  .refine(withoutNul, 'a command holds no NUL');

const executionSpec = z.object({
  executionId,
  origin: z.enum(['exec', 'setup_commands', 'entrypoint']),
  command,
  shellName: shellName.exactOptional(),
  attachStdin: z.boolean().exactOptional(),
  user: account.exactOptional(),
  environment: environment.exactOptional(),
});

const status = z.enum(['queued', 'running', 'completed']);
const logFilter = z.object({
  executionId: executionId.exactOptional(),
  shellName: shellName.exactOptional(),
  limit: z.int().min(1).max(100_000).exactOptional(),
});
const withMemory = z.object({ memory: z.boolean() });
const asUser = z.object({ user: account.exactOptional() });

const imagePath = path.refine((text) => text.startsWith('/') && !/[\n\r]/.test(text), 'not an absolute path');
const buildSpec = z.object({
  id: buildId,
  dockerfile: z
    .string()
    .max(1024 * 1024)
    .refine(withoutNul, 'a Dockerfile holds no NUL')
    .exactOptional(),
  target: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/)
    .exactOptional(),
  baseImageId: imageId.exactOptional(),
  context: z.boolean(),
  arguments: environment,
  secrets: environment.refine(
    (all) => Object.keys(all).every((name) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)),
    'a secret is named like a variable',
  ),
  steps: z
    .array(
      z.discriminatedUnion('kind', [
        z.object({
          kind: z.literal('file'),
          path: imagePath,
          content: z.string().max(16 * 1024 * 1024),
          mode: z.int().min(0).max(0o7777).exactOptional(),
        }),
        z.object({
          kind: z.literal('run'),
          tree: z
            .string()
            .regex(/^[0-9a-z]{1,32}$/)
            .exactOptional(),
          command: z
            .string()
            .max(1024 * 1024)
            .refine(withoutNul, 'a command holds no NUL'),
          user: account.exactOptional(),
          directory: imagePath.exactOptional(),
        }),
      ]),
    )
    .max(1_000),
  user: boxUser,
  cacheScope: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/),
  limits: z.object({
    timeoutMs: timeoutMs.min(1),
    cpus: z.number().positive().max(4096),
    memoryBytes: count.min(64 * 1024 * 1024),
    diskBytes: count.min(64 * 1024 * 1024),
    processes: z.int().min(32).max(4_194_304),
  }),
  networkPolicy: z.string().max(128).exactOptional(),
});

export const requests = {
  describe: z.tuple([]),
  create: z.tuple([boxSpec]),
  destroy: z.tuple([boxId]),
  suspend: z.tuple([boxId, withMemory]),
  resume: z.tuple([boxSpec, withMemory]),
  snapshot: z.tuple([boxId, snapshotId, withMemory.extend({ brief: z.boolean().exactOptional() })]),
  deleteSnapshot: z.tuple([snapshotId]),
  snapshots: z.tuple([]),
  forget: z.tuple([boxId]),
  inspect: z.tuple([boxId]),
  list: z.tuple([]),
  events: z.tuple([]),
  metrics: z.tuple([boxId]),
  execute: z.tuple([boxId, executionSpec]),
  execution: z.tuple([boxId, executionId, lastLines]),
  waitExecution: z.tuple([boxId, executionId, z.object({ until: z.array(status).max(3), timeoutMs, lastLines })]),
  executeAndWait: z.tuple([boxId, executionSpec, z.object({ timeoutMs, lastLines })]),
  output: z.tuple([boxId, executionId, z.enum(['stdout', 'stderr']), count]),
  kill: z.tuple([
    boxId,
    executionId,
    z.object({ signal: z.int().min(1).max(64).exactOptional(), processGroup: z.boolean().exactOptional() }),
  ]),
  stdin: z.tuple([boxId, executionId, z.boolean(), z.string().min(1).max(128).nullable()]),
  logs: z.tuple([boxId, logFilter]),
  followLogs: z.tuple([boxId, logFilter]),
  readFile: z.tuple([boxId, path, asUser]),
  writeFile: z.tuple([
    boxId,
    path,
    z.object({
      user: account.exactOptional(),
      mode: z.int().min(0).max(0o7777).exactOptional(),
      makeParents: z.boolean().exactOptional(),
      nameInDirectory: z
        .string()
        .min(1)
        .max(255)
        .refine((name) => !/[/\0]/.test(name) && name !== '.' && name !== '..', 'not a file name')
        .exactOptional(),
      place: z.boolean().exactOptional(),
    }),
  ]),
  extract: z.tuple([
    boxId,
    path,
    z.object({
      user: account.exactOptional(),
      gzip: z.boolean().exactOptional(),
      place: z.boolean().exactOptional(),
    }),
  ]),
  stat: z.tuple([boxId, path, asUser]),
  startBuild: z.tuple([buildSpec]),
  putBuildContext: z.tuple([buildId]),
  build: z.tuple([buildId]),
  builds: z.tuple([]),
  cancelBuild: z.tuple([buildId]),
  forgetBuild: z.tuple([buildId]),
  buildLog: z.tuple([buildId, z.object({ fromLine: count, follow: z.boolean() })]),
  images: z.tuple([]),
  removeImage: z.tuple([imageId]),
  pruneBuildCache: z.tuple([z.object({ keepBytes: count })]),
  connect: z.tuple([boxId, z.int().min(1).max(65_535), z.string().max(255).nullable()]),
};

export type Requests = { readonly [Name in keyof typeof requests]: z.output<(typeof requests)[Name]> };
export type Method = keyof Requests;

/** Whether the text names a method of the host. */
export const isMethod = (text: unknown): text is Method => typeof text === 'string' && Object.hasOwn(requests, text);
