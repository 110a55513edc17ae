import type { BlueprintBuildLog, BlueprintView } from '@berth/contract';
import type { ApiClient } from '../http/client.ts';
import { everyItem } from '../http/pages.ts';
import { chooseNamed } from '../names/choose-named.ts';

const base = '/v1/blueprints';

/** Path of one blueprint, or of something below it. */
export const blueprintPath = (id: string, rest = ''): string => `${base}/${encodeURIComponent(id)}${rest}`;

/** Body of a create call, as far as the command line makes one. */
export interface BlueprintWish {
  readonly name: string;
  readonly dockerfile?: string;
  readonly base_blueprint_id?: string;
  readonly base_blueprint_name?: string;
  readonly system_setup_commands?: readonly string[];
  readonly file_mounts?: Readonly<Record<string, string>>;
  readonly code_mounts?: ReadonlyArray<Readonly<Record<string, string>>>;
  readonly build_args?: Readonly<Record<string, string>>;
  readonly build_context?: { readonly type: 'object'; readonly object_id: string };
  readonly secrets?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly launch_parameters?: Readonly<Record<string, unknown>>;
}

/** Begins a build; the answer comes at once. */
export const createBlueprint = (client: ApiClient, wish: BlueprintWish): Promise<BlueprintView> =>
  client.json('POST', base, { body: wish });

export const previewBlueprint = async (client: ApiClient, wish: BlueprintWish): Promise<string> =>
  (await client.json<{ dockerfile: string }>('POST', `${base}/preview`, { body: wish })).dockerfile;

export const getBlueprint = (client: ApiClient, id: string): Promise<BlueprintView> =>
  client.json('GET', blueprintPath(id));

export const deleteBlueprint = (client: ApiClient, id: string): Promise<unknown> =>
  client.json('POST', blueprintPath(id, '/delete'));

export const cancelBlueprint = (client: ApiClient, id: string): Promise<BlueprintView> =>
  client.json('POST', blueprintPath(id, '/cancel'));

export const blueprintLogs = async (client: ApiClient, id: string): Promise<BlueprintBuildLog[]> =>
  (await client.json<{ logs: BlueprintBuildLog[] }>('GET', blueprintPath(id, '/logs'))).logs;

export interface BlueprintFilter {
  readonly name?: string | undefined;
  readonly status?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** Every blueprint of the account that fits, newest first. A name must be the whole one. */
export const listBlueprints = async (client: ApiClient, filter: BlueprintFilter = {}): Promise<BlueprintView[]> => {
  const { metadata = {}, name, status } = filter;
  const labels = Object.entries(metadata).map(([key, value]) => [`metadata[${key}]`, value]);
  const query = { name, status, ...Object.fromEntries(labels) };
  const found = await Array.fromAsync(everyItem<BlueprintView>(client, base, 'blueprints', query));
  return found.filter((blueprint) => name === undefined || blueprint.name === name);
};

/** Whether a word of the command line is an id. */
export const isBlueprintId = (word: string): boolean => word.startsWith('bpt_');

const kind = { one: 'blueprint', many: 'blueprints', list: './berth blueprint list' };

/**
 * Id of the blueprint that a word of the command line means: an id is taken as it is, else it is a name.
 * @param which `only` where a wrong guess would do harm; else the newest of several
 * @throws CommandFailure when no blueprint has the name, or several have and only one may
 */
export const findBlueprint = async (client: ApiClient, word: string, which: 'newest' | 'only'): Promise<string> => {
  if (isBlueprintId(word)) {
    return word;
  }
  const named = word === '' ? [] : await listBlueprints(client, { name: word });
  const candidates = which === 'newest' ? named.slice(0, 1) : named;
  return chooseNamed(kind, word, candidates, ({ id, status }) => `${id} (${status})`).id;
};

/** The part of a create of a box that names its blueprint: of a name, the server takes the newest that is built. */
export const blueprintSource = (
  word: string | undefined,
): { readonly blueprint_id?: string; readonly blueprint_name?: string } =>
  word === undefined ? {} : isBlueprintId(word) ? { blueprint_id: word } : { blueprint_name: word };
