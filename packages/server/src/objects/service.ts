import type { IncomingHttpHeaders } from 'node:http';
import {
  newId,
  type ObjectCreate,
  type ObjectDownloadView,
  type ObjectListQuery,
  type ObjectListView,
  type ObjectView,
} from '@berth/contract';
import { apiError } from '../errors/api-error.ts';
import type { PresignedLinks } from './links.ts';
import type { ObjectListStore, ObjectPage } from './list-store.ts';
import { objectView, type StoredObject } from './object.ts';
import type { ObjectStore } from './store.ts';

export interface ObjectServiceParts {
  readonly store: ObjectStore;
  readonly lists: ObjectListStore;
  readonly links: PresignedLinks;
  /** How long an upload may be begun after the object was made. */
  readonly uploadUrlMs: number;
  /** An object that is not complete after this time has failed. */
  readonly uploadMs: number;
  /** Called after a change that the keeper has to act on. It would find it by itself, a little later. */
  readonly onLoose: () => void;
  /** Something is due in this time. */
  readonly onDue: (inMs: number) => void;
}

/** Objects as callers ask for them (API §13): rows and URLs. Their bytes go another way. */
export class ObjectService {
  readonly #parts: ObjectServiceParts;

  constructor(parts: ObjectServiceParts) {
    this.#parts = parts;
  }

  /** The same token always means the same object. */
  async create(
    account: string,
    wish: ObjectCreate,
    token: string | undefined,
    headers: IncomingHttpHeaders,
  ): Promise<ObjectView> {
    const { store, links, uploadUrlMs, uploadMs } = this.#parts;
    const id = await store.insert(
      {
        id: newId('object'),
        accountId: account,
        name: wish.name,
        contentType: wish.content_type,
        metadata: wish.metadata ?? {},
        ttlMs: wish.ttl_ms ?? null,
        isPublic: wish.is_public ?? false,
      },
      token,
    );
    this.#parts.onDue(Math.min(wish.ttl_ms ?? uploadMs, uploadMs));
    const object = await store.find(id);
    const view = objectView(object ?? notFound(id));
    return { ...view, upload_url: links.url('PUT', id, uploadUrlMs, headers) };
  }

  async list(account: string, query: ObjectListQuery): Promise<ObjectListView> {
    return listView(await this.#parts.lists.page(account, query));
  }

  async listPublic(query: ObjectListQuery): Promise<ObjectListView> {
    return listView(await this.#parts.lists.page(undefined, query));
  }

  async metadataKeys(account: string): Promise<{ readonly keys: string[] }> {
    return { keys: await this.#parts.lists.metadataKeys(account) };
  }

  async metadataValues(account: string, key: string): Promise<{ readonly key: string; readonly values: string[] }> {
    return { key, values: await this.#parts.lists.metadataValues(account, key) };
  }

  /** Throws `notFound`. */
  async get(account: string, id: string): Promise<ObjectView> {
    return objectView(await this.#require(account, id));
  }

  /** The same token is answered as before. Throws `notFound`, `objectNotUploading`, `objectNotUploaded`. */
  async complete(account: string, id: string, token: string | undefined): Promise<ObjectView> {
    const completed = await this.#parts.store.complete(account, id, token);
    if (completed !== undefined) {
      return objectView(completed);
    }
    const { state, account_id } = await this.#require(account, id);
    if (account_id !== account) {
      notFound(id);
    }
    throw state === 'UPLOADING' ? apiError('objectNotUploaded', { id }) : apiError('objectNotUploading', { id, state });
  }

  /** Throws `notFound`, `objectNotReadable`. */
  async download(
    account: string,
    id: string,
    seconds: number,
    headers: IncomingHttpHeaders,
  ): Promise<ObjectDownloadView> {
    const { state } = await this.#require(account, id);
    if (state !== 'READ_ONLY') {
      throw apiError('objectNotReadable', { id, state });
    }
    return { download_url: this.#parts.links.url('GET', id, seconds * 1000, headers) };
  }

  /** Any number of times. Throws `notFound`. */
  async remove(account: string, id: string): Promise<ObjectView> {
    const object = await this.#parts.store.delete(account, id);
    this.#parts.onLoose();
    return objectView(object ?? notFound(id));
  }

  async #require(account: string, id: string): Promise<StoredObject> {
    return (await this.#parts.store.findVisible(account, id)) ?? notFound(id);
  }
}

const listView = (page: ObjectPage): ObjectListView => ({
  objects: page.objects.map(objectView),
  has_more: page.hasMore,
  ...(page.totalCount === null ? {} : { total_count: page.totalCount }),
});

const notFound = (id: string): never => {
  throw apiError('notFound', { resource: 'object', id });
};
