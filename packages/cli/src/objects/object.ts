import type { ObjectContentType, ObjectCreate, ObjectDownloadView, ObjectState, ObjectView } from '@berth/contract';
import type { ApiClient } from '../http/client.ts';
import { everyItem } from '../http/pages.ts';

export interface ObjectFilter {
  readonly name?: string | undefined;
  readonly content_type?: ObjectContentType | undefined;
  readonly state?: ObjectState | undefined;
  readonly search?: string | undefined;
}

const base = '/v1/objects';
const pathOf = (id: string, rest = ''): string => `${base}/${encodeURIComponent(id)}${rest}`;

export const createObject = (client: ApiClient, wish: ObjectCreate): Promise<ObjectView> =>
  client.json('POST', base, { body: wish });

export const completeObject = (client: ApiClient, id: string): Promise<ObjectView> =>
  client.json('POST', pathOf(id, '/complete'));

export const getObject = (client: ApiClient, id: string): Promise<ObjectView> => client.json('GET', pathOf(id));

export const deleteObject = (client: ApiClient, id: string): Promise<ObjectView> =>
  client.json('POST', pathOf(id, '/delete'));

export const downloadUrl = async (client: ApiClient, id: string): Promise<string> =>
  (await client.json<ObjectDownloadView>('GET', pathOf(id, '/download'))).download_url;

/** Every object of the account that fits, newest first. */
export const listObjects = (client: ApiClient, filter: ObjectFilter, publicOnes = false): Promise<ObjectView[]> =>
  Array.fromAsync(everyItem<ObjectView>(client, publicOnes ? `${base}/list_public` : base, 'objects', { ...filter }));
