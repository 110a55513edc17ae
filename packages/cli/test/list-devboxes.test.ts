import { expect, it } from 'vitest';
import { listDevboxes } from '../src/devboxes/list-devboxes.ts';
import { devboxView } from './devbox-views.ts';
import { scriptedApi } from './scripted-api.ts';

const boxes = Array.from({ length: 5 }, (_, index) =>
  devboxView({ id: `dbx_${index}`, status: index % 2 === 0 ? 'running' : 'suspended', create_time_ms: 5 - index }),
);

/** An API whose pages hold two boxes at most. */
const paged = () =>
  scriptedApi(({ query }) => {
    const matching = boxes.filter(({ status }) => query['status'] === undefined || status === query['status']);
    const begin = matching.findIndex(({ id }) => id === query['starting_after']) + 1;
    const end = begin + Math.min(2, Number(query['limit']));
    return [200, { devboxes: matching.slice(begin, end), has_more: end < matching.length }];
  });

const ids = (found: readonly { readonly id: string }[]): string[] => found.map(({ id }) => id);

it('lists boxes page after page, as many as are wanted', async () => {
  await using api = await paged();
  expect(ids(await listDevboxes(api.client, undefined, 100))).toEqual(['dbx_0', 'dbx_1', 'dbx_2', 'dbx_3', 'dbx_4']);
  expect(ids(await listDevboxes(api.client, undefined, 3))).toEqual(['dbx_0', 'dbx_1', 'dbx_2']);
  expect(ids(await listDevboxes(api.client, ['suspended', 'running'], 4))).toEqual([
    'dbx_0',
    'dbx_1',
    'dbx_2',
    'dbx_3',
  ]);
});

it('asks for no more than is wanted', async () => {
  await using api = await paged();
  await listDevboxes(api.client, ['running'], 1);
  expect(api.seen.map(({ query }) => query['limit'])).toEqual(['1']);
});
