import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObjectView } from '@berth/contract';
import { expect } from 'vitest';
import type { ObjectSettings } from '../../src/objects/settings.ts';
import { startTestServer, type TestCaller, type TestServer, type TestServerOptions } from '../harness.ts';

/** A server whose objects lie in a directory of the test. */
export const startObjectServer = async (
  settings: Partial<ObjectSettings> = {},
  options: TestServerOptions = {},
): Promise<TestServer & { readonly blobs: string }> => {
  const blobs = settings.blobs ?? (await mkdtemp(join(tmpdir(), 'berth-blobs-')));
  const server = await startTestServer({ ...options, objects: { ...settings, blobs } });
  return {
    ...server,
    blobs,
    close: async () => {
      await server.close();
      if (settings.blobs === undefined) {
        await rm(blobs, { recursive: true, force: true });
      }
    },
  };
};

/** Files of the store, half-written ones included. */
export const blobFiles = async (blobs: string): Promise<string[]> => {
  const entries = await readdir(blobs, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
};

/** What the create answers: the one view that has the URL. */
export type CreatedObject = ObjectView & { readonly upload_url: string };

export const createObject = async (caller: TestCaller, wish: Record<string, unknown> = {}): Promise<CreatedObject> => {
  const { status, json } = await caller.call('POST', '/v1/objects', { name: 'object', content_type: 'text', ...wish });
  expect(status).toBe(200);
  return json;
};

/** A complete object. Returns its id. */
export const makeObject = async (
  caller: TestCaller,
  content: string | Uint8Array<ArrayBuffer>,
  wish: Record<string, unknown> = {},
): Promise<string> => {
  const { id, upload_url } = await createObject(caller, wish);
  expect((await fetch(upload_url, { method: 'PUT', body: content })).status).toBe(200);
  expect((await caller.call('POST', `/v1/objects/${id}/complete`, '')).status).toBe(200);
  return id;
};
