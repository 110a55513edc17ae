import { objectRoutes as contract } from '@berth/contract';
import { type Route, route } from '../http/route.ts';
import type { ObjectContent } from './content.ts';
import { incoming } from './incoming.ts';
import type { PresignedLinks } from './links.ts';
import type { ObjectService } from './service.ts';

export interface ObjectRouteParts {
  readonly objects: ObjectService;
  readonly content: ObjectContent;
  readonly links: PresignedLinks;
  readonly maximumBytes: number;
}

/** Nothing that an object holds is shown, or run, by a browser. */
const safeHeaders = { 'x-content-type-options': 'nosniff', 'content-disposition': 'attachment' } as const;

const announced = (header: string | undefined): number | undefined =>
  header === undefined ? undefined : Number(header);

/** Objects (API §13), with the two routes that need no key but a presigned URL. */
export const objectRoutes = ({ objects, content, links, maximumBytes }: ObjectRouteParts): Route[] => [
  route(contract.create, ({ account, body, idempotencyToken, headers }) =>
    objects.create(account, body, idempotencyToken, headers),
  ),
  route(contract.list, ({ account, query }) => objects.list(account, query)),
  route(contract.listPublic, ({ query }) => objects.listPublic(query)),
  route(contract.metadataKeys, ({ account }) => objects.metadataKeys(account)),
  route(contract.metadataValues, ({ account, params }) => objects.metadataValues(account, params.key)),
  route(contract.get, ({ account, params }) => objects.get(account, params.id)),
  route(contract.complete, ({ account, params, idempotencyToken }) =>
    objects.complete(account, params.id, idempotencyToken),
  ),
  route(contract.download, ({ account, params, query, headers }) =>
    objects.download(account, params.id, query.duration_seconds, headers),
  ),
  route(contract.remove, ({ account, params }) => objects.remove(account, params.id)),
  route(contract.putContent, async ({ params, query, body, headers, signal }) => {
    links.check('PUT', params.id, query);
    const announcedBytes = announced(headers['content-length']);
    const bound = { limitBytes: maximumBytes, signal, ...(announcedBytes === undefined ? {} : { announcedBytes }) };
    await content.write(params.id, { content: incoming(body, bound), announcedBytes }, signal);
    return {};
  }),
  route(contract.getContent, async ({ params, query }) => {
    links.check('GET', params.id, query);
    const open = await content.open(params.id);
    return { chunks: open.content, sizeBytes: open.sizeBytes, headers: safeHeaders };
  }),
];
