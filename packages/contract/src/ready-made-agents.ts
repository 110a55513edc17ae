import { z } from 'zod';
import { storableText } from './text.ts';

const variable = z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'must be a variable name');

/** How an agent is started without a person in front of it, and what it asks of its surroundings. */
export const readyMade = z.object({
  /** Name for people. */
  title: z.string(),
  /** Line of bash that works on the text in `BERTH_TASK`, in the directory of what is to be worked on. */
  run: z.string(),
  /** Variables that it needs in every box. */
  environment: z.record(variable, z.string()),
  /** Variable that holds the key of the model's vendor. */
  key_variable: variable,
  /** Variable with the base URL of the model's API; the vendor's own when it is not set. */
  base_url_variable: variable,
  /** Variable that names the model; the agent's own default when it is not set. */
  model_variable: variable,
  /** The model's API as the agent speaks it. */
  wire: z.enum(['anthropic-messages', 'openai-responses', 'openai-chat', 'gemini']),
});
export type ReadyMade = z.output<typeof readyMade>;

/** Path in the home of the box's user; stays in it. */
const homePath = z
  .string()
  .max(512)
  .regex(/^(?!.*(^|\/)\.{1,2}(\/|$))[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/, 'must be a path within the home');

/** `agents/<name>/agent.json`: an agent that comes with the installation, mountable by name. */
export const agentManifest = readyMade.extend({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/),
  version: z.string().min(1),
  npm: z.object({ package_name: storableText(512).min(1) }),
  /** Further packages beside the main one, with their versions. */
  npm_with: z.array(z.string().regex(/^[^-\s]\S*@\d\S*$/, 'must be package@version')).optional(),
  /** Files of the manifest's directory by where they go in the home. */
  files: z.record(homePath, z.string().regex(/^[A-Za-z0-9._-]+$/)).optional(),
  setup: z.array(z.string().min(1)).optional(),
});
export type AgentManifest = z.output<typeof agentManifest>;
