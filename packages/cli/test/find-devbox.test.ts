import { describe, expect, it } from 'vitest';
import { findDevbox } from '../src/devboxes/find-devbox.ts';
import { devboxView } from './devbox-views.ts';
import { scriptedApi } from './scripted-api.ts';

const boxes = [
  devboxView({ id: 'dbx_new', name: 'desk', status: 'suspended' }),
  devboxView({ id: 'dbx_old', name: 'desk', status: 'shutdown' }),
  devboxView({ id: 'dbx_longer', name: 'desk of two' }),
  devboxView({ id: 'dbx_one', name: 'twin' }),
  devboxView({ id: 'dbx_two', name: 'twin', status: 'queued' }),
  devboxView({ id: 'dbx_gone', name: 'gone', status: 'failure' }),
];

/** An API that gives one box a page, as the real one gives a thousand. */
const paged = () =>
  scriptedApi(({ query }) => {
    const matching = boxes.filter(({ name }) => name?.includes(query['name'] ?? ''));
    const begin = matching.findIndex(({ id }) => id === query['starting_after']) + 1;
    return [200, { devboxes: matching.slice(begin, begin + 1), has_more: begin + 1 < matching.length }];
  });

describe('a box on the command line', () => {
  it('is an id as it is, without asking', async () => {
    await using api = await paged();
    expect(await findDevbox(api.client, 'dbx_whatever')).toBe('dbx_whatever');
    expect(api.seen).toEqual([]);
  });

  it('is the living one of that name, wherever it stands in the list', async () => {
    await using api = await paged();
    expect(await findDevbox(api.client, 'desk')).toBe('dbx_new');
    expect(api.seen).toHaveLength(3);
  });

  it('may have ended when none lives under that name', async () => {
    await using api = await paged();
    expect(await findDevbox(api.client, 'gone')).toBe('dbx_gone');
  });

  it('is refused, with ids and statuses, when two live under that name', async () => {
    await using api = await paged();
    await expect(findDevbox(api.client, 'twin')).rejects.toMatchObject({
      message: "2 boxes are named 'twin'",
      hint: 'give an id: dbx_one (running), dbx_two (queued)',
    });
  });
});
