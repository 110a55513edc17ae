import type { ApiClient } from '../http/client.ts';
import { chooseNamed } from '../names/choose-named.ts';
import { listSnapshots } from './snapshot.ts';

const kind = { one: 'snapshot', many: 'snapshots', list: './berth snapshot list' };

/**
 * Id of the snapshot that a word of the command line means: an id is taken as it is, else it is a name.
 * @throws CommandFailure when no snapshot has the name, or several have
 */
export const findSnapshot = async (client: ApiClient, word: string): Promise<string> => {
  if (word.startsWith('snp_')) {
    return word;
  }
  const named = await listSnapshots(client, { name: word });
  return chooseNamed(
    kind,
    word,
    named,
    ({ id, create_time_ms }) => `${id} (${new Date(create_time_ms).toISOString().slice(0, 19)}Z)`,
  ).id;
};
