import { z } from 'zod';
import { page, pageQuery, queryBoolean } from './pagination.ts';
import { readyMade } from './ready-made-agents.ts';
import { storableText } from './text.ts';

/** Line of bash run as the user of the box, in the agent's directory where it has one, once the agent is in the box. */
const setupCommands = z.array(storableText(65_536).min(1)).max(100);

/** Name of a package for the command line of npm or pip: nothing that could be taken for an option. */
const packageName = storableText(512)
  .min(1)
  .regex(/^[^-\s]\S*$/, 'must be the name of a package');

const registryUrl = storableText(2_048).regex(/^https?:\/\/[^\s]+$/, 'must be an http or https URL');

const packageSource = z.object({
  package_name: packageName,
  registry_url: registryUrl.optional(),
  agent_setup: setupCommands.optional(),
});

const gitSource = z.object({
  repository: storableText(2_048).min(1),
  ref: storableText(512).min(1).optional(),
  agent_setup: setupCommands.optional(),
});

const objectSource = z.object({ object_id: storableText(200).min(1), agent_setup: setupCommands.optional() });

/** Where an agent comes from: the part named like `type` counts, and must be there (API §14). */
export const agentSource = z
  .object({
    type: z.enum(['npm', 'pip', 'git', 'object']),
    npm: packageSource.optional(),
    pip: packageSource.optional(),
    git: gitSource.optional(),
    object: objectSource.optional(),
  })
  .superRefine((source, context) => {
    for (const part of ['npm', 'pip', 'git', 'object'] as const) {
      if ((source[part] !== undefined) !== (part === source.type)) {
        context.addIssue({
          code: 'custom',
          path: [part],
          message: part === source.type ? 'is missing' : `does not belong to a source of type ${source.type}`,
        });
      }
    }
  });
export type AgentSource = z.output<typeof agentSource>;

/** Body of `POST /v1/agents`. Whether package, repository or object exist shows when the agent is mounted. */
export const agentCreate = z.object({
  name: storableText(512).min(1),
  version: storableText(512).min(1).optional(),
  source: agentSource.optional(),
  is_public: z.boolean().optional(),
});
export type AgentCreate = z.output<typeof agentCreate>;

/** A registered agent as clients see it. */
export const agentView = z.object({
  id: z.string(),
  name: z.string(),
  create_time_ms: z.int(),
  is_public: z.boolean(),
  version: z.string().nullable(),
  source: agentSource.nullable(),
  /** Berth's own: how an agent that comes with the installation is started. */
  ready_made: readyMade.optional(),
});
export type AgentView = z.output<typeof agentView>;

export const agentListView = page('agents', agentView);
export type AgentListView = z.output<typeof agentListView>;

/** Filters of the lists. `version` may be `latest`: the newest agent of each name. */
export const agentListQuery = pageQuery.extend({
  id: z.string().max(200).optional(),
  name: z.string().max(512).optional(),
  version: z.string().max(512).optional(),
  search: z.string().max(512).optional(),
  is_public: queryBoolean.optional(),
});
export type AgentListQuery = z.output<typeof agentListQuery>;

/** How many devboxes of the account were made with an agent, by its name. */
export const agentDevboxCounts = z.object({ counts: z.record(z.string(), z.int()), total_count: z.int() });
export type AgentDevboxCounts = z.output<typeof agentDevboxCounts>;
