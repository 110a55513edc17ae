import type { ApiClient } from '../http/client.ts';
import { chooseNamed } from '../names/choose-named.ts';
import { listObjects } from './object.ts';

const kind = { one: 'object', many: 'objects', list: './berth object list' };

/**
 * Id of the object that a word of the command line means: an id is taken as it is, else it is a name.
 * @throws CommandFailure when no object has the name, or several have
 */
export const findObject = async (client: ApiClient, word: string): Promise<string> => {
  if (word.startsWith('obj_')) {
    return word;
  }
  const named = await listObjects(client, { name: word });
  const describe = ({ id, create_time_ms }: (typeof named)[number]): string =>
    `${id} (${new Date(create_time_ms).toISOString().slice(0, 19)}Z)`;
  return chooseNamed(kind, word, named, describe).id;
};
