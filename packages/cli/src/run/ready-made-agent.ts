import { type AgentView, type ReadyMade, type SecretView, secretName } from '@berth/contract';
import { isReadyMade, listAgents } from '../agents/agent.ts';
import { type ApiClient, ApiFailure } from '../http/client.ts';
import { CommandFailure } from '../output/failure.ts';
import type { Agent } from './agent.ts';

/** What a box of a ready-made agent gets beside what was asked for. */
export interface AgentKeys {
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
}

/** Whether a word can be the name of an agent; a line of bash hardly is one word. */
const isName = (text: string): boolean => /^[a-z][a-z0-9-]*$/.test(text);

/** The newest agent of this name that comes with the installation, or nothing. */
const findReadyMade = async (client: ApiClient, name: string): Promise<AgentView | undefined> =>
  (await listAgents(client, 'public', { name })).find((agent) => agent.name === name && isReadyMade(agent));

/** The agent that comes with the installation under this name; undefined when the text is no such name. */
export const readReadyMade = async (client: ApiClient, text: string): Promise<Agent | undefined> => {
  const found = isName(text) ? await findReadyMade(client, text) : undefined;
  if (found?.ready_made === undefined) {
    return undefined;
  }
  const { ready_made: readyMade } = found;
  return {
    name: found.name,
    mount: { type: 'agent_mount', agent_id: found.id },
    readyMade,
    // What it says is seen as it comes, and is the result.
    run: `set -o pipefail; { ${readyMade.run}\n} | tee -- "$BERTH_RESULT"`,
  };
};

/**
 * Key, base URL and model for the agent: as given, else out of this environment, else a stored secret with the name of the key's variable.
 * @param given names of variables and secrets that the command line names
 * @throws CommandFailure when there is no key
 */
export const keysFor = async (
  client: ApiClient,
  readyMade: ReadyMade,
  given: ReadonlySet<string>,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<AgentKeys> => {
  const { key_variable: key, base_url_variable, model_variable } = readyMade;
  const passed = [key, base_url_variable, model_variable].flatMap((name) => {
    const value = given.has(name) ? undefined : environment[name];
    return value === undefined || value === '' ? [] : [[name, value] as const];
  });
  const known = Object.fromEntries(passed);
  if (given.has(key) || key in known) {
    return { environment: known, secrets: {} };
  }
  if (await hasSecret(client, key)) {
    return { environment: known, secrets: { [key]: key } };
  }
  throw new CommandFailure(`${readyMade.title} needs a key: ${key} is not set, and no secret has that name`, {
    hint: `export ${key}, or keep it: ./berth secret create ${key}`,
  });
};

const hasSecret = async (client: ApiClient, name: string): Promise<boolean> => {
  try {
    await client.json<SecretView>('GET', `/v1/secrets/${encodeURIComponent(secretName.parse(name))}`);
    return true;
  } catch (error) {
    if (error instanceof ApiFailure && error.status === 404) {
      return false;
    }
    throw error;
  }
};
