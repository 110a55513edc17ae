import { z } from 'zod';
import { storableText } from './text.ts';

/** Longest path that Linux takes. */
export const filePath = storableText(4_096).min(1);

/** A text file, whole in the request; missing directories are made. */
const fileMount = z.object({ type: z.literal('file_mount'), target: filePath, content: z.string() });

/** An object as a file, or extracted as a directory when it is an archive. */
const objectMount = z.object({
  type: z.literal('object_mount'),
  object_id: z.string().max(200),
  object_path: filePath,
});

const githubName = storableText(256).regex(/^[A-Za-z0-9._-]+$/, 'must be a name on GitHub');
const token = storableText(4_096);

const codeMountFields = {
  repo_owner: githubName.optional(),
  repo_name: githubName.optional(),
  /** Berth's own, in place of owner and name: URL of any git repository. */
  git_url: storableText(2_048).min(1).optional(),
  token: token.optional(),
  /** Branch, tag or commit; the default branch when left out. */
  git_ref: storableText(512)
    .min(1)
    .regex(/^[^-\s]\S*$/, 'must be the name of a branch, a tag or a commit')
    .optional(),
  /** Line of bash run in the repository's directory, as the user of the box. */
  install_command: storableText(1_000_000).optional(),
  /** Berth's own: where it is placed; `repo_name` in the home when left out. */
  path: filePath.optional(),
  /** Berth's own: only so many commits. */
  depth: z.int().min(1).max(1_000_000).optional(),
  /** Berth's own: with the repositories within it. */
  submodules: z.boolean().optional(),
};

const namesRepository = (wish: { repo_owner?: unknown; repo_name?: unknown; git_url?: unknown }): boolean =>
  (wish.git_url !== undefined) !== (wish.repo_owner !== undefined && wish.repo_name !== undefined);
const howToName = 'needs repo_owner and repo_name, or git_url';

const codeMount = z.object({ type: z.literal('code_mount'), ...codeMountFields }).refine(namesRepository, howToName);

/** The older form of a `code_mount`, without a type. */
export const legacyCodeMount = z.object(codeMountFields).refine(namesRepository, howToName);

/** A registered agent, by id or by name: the newest of that name (API §11, §14). */
const agentMount = z
  .object({
    type: z.literal('agent_mount'),
    agent_id: z.string().max(200).optional(),
    agent_name: storableText(512).min(1).optional(),
    /** Where it is placed; needed for agents out of a repository or an object. */
    agent_path: filePath.optional(),
    /** For a private repository. */
    auth_token: token.optional(),
    /** Lines of bash that are run after the agent's own ones. */
    agent_setup_commands: z.array(storableText(65_536).min(1)).max(100).optional(),
  })
  .refine(
    ({ agent_id, agent_name }) => agent_id !== undefined || agent_name !== undefined,
    'needs agent_id or agent_name',
  );

// Mounts that later versions place, known by name so that the refusal can say what is missing.
const brokerMount = z.looseObject({ type: z.literal('broker_mount') });

/** Something to place in the box before it runs (API §11). */
export const mount = z.discriminatedUnion('type', [fileMount, objectMount, agentMount, codeMount, brokerMount]);
export type Mount = z.output<typeof mount>;
