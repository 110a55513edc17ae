import { z } from 'zod';
import { launchParameters } from './devboxes-launch-parameters.ts';
import { filePath, legacyCodeMount, mount } from './devboxes-mounts.ts';
import { metadataMap, storableText } from './text.ts';

/** Longest single argument or variable of a Linux process. */
const variableBytes = 128 * 1024;
const variableName = z
  .string()
  .max(256)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a variable name');
/** A resource of another kind, by id or name; what exists is looked up later. */
const reference = storableText(512).min(1);

const environmentVariables = z
  .record(variableName, storableText(variableBytes))
  .refine((map) => JSON.stringify(map).length <= 1024 * 1024, 'must be at most 1 MiB in all');

/** Name of a devbox; the empty string means none. */
export const devboxName = storableText(512);

/** Body of `POST /v1/devboxes` (API §3.5). */
export const devboxCreate = z.object({
  blueprint_id: reference.optional(),
  blueprint_name: reference.optional(),
  snapshot_id: reference.optional(),
  code_mounts: z.array(legacyCodeMount).max(100).optional(),
  entrypoint: storableText(4 * 1024 * 1024).optional(),
  environment_variables: environmentVariables.optional(),
  file_mounts: z.record(filePath, z.string()).optional(),
  gateways: z.record(z.string(), z.looseObject({})).optional(),
  launch_parameters: launchParameters.optional(),
  mcp: z.record(z.string(), z.looseObject({})).optional(),
  metadata: metadataMap.optional(),
  mounts: z.array(mount).max(1_000).optional(),
  name: devboxName.optional(),
  secrets: z.record(variableName, reference).optional(),
  tunnel: z.looseObject({}).optional(),
});
export type DevboxCreate = z.output<typeof devboxCreate>;

/** Most forks of one call. */
const maximumForks = 64;

/** Body of `fork`, Berth's own. Without `memory`, processes come along where the isolation of the devbox can. */
export const devboxFork = z.object({
  count: z.int().min(1).max(maximumForks).default(1),
  memory: z.boolean().optional(),
  /** Name of the fork; several are numbered `name-1`, `name-2`, …. */
  name: devboxName.optional(),
  /** In place of that of the source. */
  metadata: metadataMap.optional(),
});
export type DevboxFork = z.output<typeof devboxFork>;

/** Body of `POST /v1/devboxes/{id}`: what is left out stays; empty text or map clears (API §3.1). */
export const devboxUpdate = z.object({
  name: devboxName.optional(),
  metadata: metadataMap.optional(),
});
export type DevboxUpdate = z.output<typeof devboxUpdate>;
