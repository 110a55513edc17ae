import type { DevboxView } from '@berth/contract';
import type { ApiClient } from '../http/client.ts';
import { everyItem } from '../http/pages.ts';
import { chooseNamed } from '../names/choose-named.ts';
import { hasEnded } from './view.ts';

const kind = { one: 'box', many: 'boxes', list: './berth devbox list --all' };

/**
 * Id of the box that a word of the command line means: an id is taken as it is; a name is that of the one box that lives under it, or of the one that
 * did.
 * @throws CommandFailure when no box has the name, or several have
 */
export const findDevbox = async (client: ApiClient, word: string): Promise<string> => {
  if (word.startsWith('dbx_')) {
    return word;
  }
  const boxes = await Array.fromAsync(everyItem<DevboxView>(client, '/v1/devboxes', 'devboxes', { name: word }));
  const named = boxes.filter(({ name }) => name === word);
  const living = named.filter((box) => !hasEnded(box));
  return chooseNamed(kind, word, living.length > 0 ? living : named, ({ id, status }) => `${id} (${status})`).id;
};

/** As {@link findDevbox}, for several words. */
export const findDevboxes = (client: ApiClient, words: readonly string[]): Promise<string[]> =>
  Promise.all(words.map((word) => findDevbox(client, word)));
