import { z } from 'zod';
import { launchParameters } from './devboxes-launch-parameters.ts';
import { filePath } from './devboxes-mounts.ts';
import { metadataMap, storableText } from './text.ts';

const variableName = z
  .string()
  .max(256)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a variable name');
const reference = storableText(512).min(1);
const variableBytes = 128 * 1024;
const variables = z.record(variableName, storableText(variableBytes));

/** Bound of what is stored of one blueprint as text: Dockerfile, files, commands and all. */
export const blueprintParametersBytes = 8 * 1024 * 1024;

/** Tells blueprints and boxes apart from refs and options of git: no leading dash, nothing but what names hold. */
const repositoryPart = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[A-Za-z0-9_.][A-Za-z0-9_.-]*$/, 'must be a name as GitHub has them');
const gitRef = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[A-Za-z0-9_.@][A-Za-z0-9_./@+-]*$/, 'must be a branch, a tag or a commit');

/** What only mounts of devboxes take: refused, so that nobody takes it for done. */
const ofDevboxesOnly = z
  .never({ error: 'is for mounts of devboxes: a blueprint has a repository whole, with submodules, in ~/<repo_name>' })
  .optional();

/** A repository that is cloned into the image (API §11); its token is used for the clone and kept nowhere. */
export const blueprintCodeMount = z.object({
  repo_owner: repositoryPart,
  repo_name: repositoryPart.refine((name) => !/^\.+$/.test(name), 'must be a name'),
  git_ref: gitRef.optional(),
  token: storableText(4_096).optional(),
  install_command: storableText(64 * 1024).optional(),
  path: ofDevboxesOnly,
  depth: ofDevboxesOnly,
  submodules: ofDevboxesOnly,
});
export type BlueprintCodeMount = z.output<typeof blueprintCodeMount>;

/** A container beside the box. */
export const blueprintService = z.object({
  name: storableText(256).min(1),
  image: storableText(512).min(1),
  credentials: z.object({ username: storableText(1_024), password: storableText(16_384) }).optional(),
  env: variables.optional(),
  options: storableText(16_384).optional(),
  port_mappings: z.array(storableText(64)).max(100).optional(),
});
export type BlueprintService = z.output<typeof blueprintService>;

const fields = z.object({
  name: storableText(512).min(1),
  base_blueprint_id: reference.optional(),
  base_blueprint_name: reference.optional(),
  build_args: variables.optional(),
  build_context: z.object({ object_id: reference, type: z.literal('object') }).optional(),
  code_mounts: z.array(blueprintCodeMount).max(100).optional(),
  dockerfile: storableText(1024 * 1024).optional(),
  file_mounts: z.record(filePath, storableText(4 * 1024 * 1024)).optional(),
  launch_parameters: launchParameters.optional(),
  metadata: metadataMap.optional(),
  /** Stored; not enforced before network policies are there. */
  network_policy_id: storableText(256).optional(),
  /** Variable name to name of the account's secret. */
  secrets: z.record(variableName, reference).optional(),
  services: z.array(blueprintService).max(100).optional(),
  system_setup_commands: z
    .array(storableText(64 * 1024))
    .max(1_000)
    .optional(),
});

/** Body of `POST /v1/blueprints` and of the preview (API §12.2). */
export const blueprintBuildParameters = fields.superRefine((wish, context) => {
  const refuse = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
  if (wish.base_blueprint_id !== undefined && wish.base_blueprint_name !== undefined) {
    refuse('base_blueprint_name', 'cannot be given together with base_blueprint_id');
  }
  const both = Object.keys(wish.secrets ?? {}).find((name) => Object.hasOwn(wish.build_args ?? {}, name));
  if (both !== undefined) {
    refuse('secrets', `${both} is a build argument too`);
  }
  if (JSON.stringify(wish).length > blueprintParametersBytes) {
    refuse('file_mounts', `all in all at most ${blueprintParametersBytes} bytes`);
  }
});
export type BlueprintBuildParameters = z.output<typeof blueprintBuildParameters>;

/** What the view says of the request: all of it but tokens and passwords. */
export const blueprintParametersView = fields.extend({
  code_mounts: z.array(blueprintCodeMount.omit({ token: true })).optional(),
  services: z.array(blueprintService.omit({ credentials: true })).optional(),
});
export type BlueprintParametersView = z.output<typeof blueprintParametersView>;
