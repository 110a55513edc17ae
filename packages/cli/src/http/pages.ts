import type { ApiClient, RequestOptions } from './client.ts';

const pageSize = 1_000;

/** Every item of a list, newest first, page after page. `key` is the name of the collection in the answers. */
export async function* everyItem<Item extends { readonly id: string }>(
  client: ApiClient,
  path: string,
  key: string,
  query: NonNullable<RequestOptions['query']> = {},
): AsyncGenerator<Item> {
  for (let after: string | undefined; ; ) {
    const page = await client.json<Readonly<Record<string, unknown>>>('GET', path, {
      query: { limit: pageSize, include_total_count: false, ...query, starting_after: after },
    });
    const items = page[key] as readonly Item[];
    yield* items;
    after = items.at(-1)?.id;
    if (page['has_more'] !== true || after === undefined) {
      return;
    }
  }
}
