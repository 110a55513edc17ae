import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BlobStoreUnavailable } from '../../src/blobs/blob-store.ts';
import { openBlobStore } from '../../src/blobs/open-blob-store.ts';
import { eventually } from '../devboxes/kit.ts';
import type { TestServer } from '../harness.ts';
import { createObject, makeObject, startObjectServer } from '../objects/kit.ts';
import { blobStoreContract } from './contract.ts';
import { type S3Server, startS3Server, versitygw } from './s3-server.ts';

const missing = process.env['BERTH_VERSITYGW_MISSING'] ?? 'there is no S3 server: ./berth test builds one';

// A whole run must not pass without these tests; another one may.
if (versitygw === undefined && process.env['BERTH_TEST_COMPLETE'] === '1') {
  it('the S3 store is tested against a real server', () => {
    throw new Error(missing);
  });
}

describe.runIf(versitygw !== undefined)('over a real S3 server', () => {
  blobStoreContract('S3', async () => {
    const server = await startS3Server(versitygw ?? '');
    return { store: openBlobStore(server.place), kept: server.kept, end: server.remove };
  }, [0, 1, 5_000_001, 16_777_216, 40_000_000]);

  describe('objects', () => {
    let s3: S3Server;
    let server: TestServer;
    beforeAll(async () => {
      s3 = await startS3Server(versitygw ?? '');
      server = await startObjectServer({ blobs: s3.place });
    });
    afterAll(async () => {
      await server.close();
      await s3.remove();
    });

    it('live their whole life there, below the prefix', async () => {
      const caller = await server.newCaller();
      const id = await makeObject(caller, 'in a bucket');
      const [key] = await s3.kept();
      expect(key).toMatch(new RegExp(`^some/prefix/${id}-`));
      const { json } = await caller.call('GET', `/v1/objects/${id}/download`);
      expect(await (await fetch(json.download_url)).text()).toBe('in a bucket');
      await caller.call('POST', `/v1/objects/${id}/delete`, '');
      await eventually(async () => (await s3.kept()).length === 0);
    });

    it('say that the store is away while it is, and go on afterwards', async () => {
      const caller = await server.newCaller();
      const id = await makeObject(caller, 'still there');
      const other = await createObject(caller);
      const { json } = await caller.call('GET', `/v1/objects/${id}/download`);
      await s3.stop();
      expect((await fetch(json.download_url)).status).toBe(503);
      expect((await fetch(other.upload_url, { method: 'PUT', body: 'x' })).status).toBe(503);
      await expect(openBlobStore(s3.place).remove('obj-anything')).rejects.toBeInstanceOf(BlobStoreUnavailable);
      await s3.start();
      expect(await (await fetch(json.download_url)).text()).toBe('still there');
      expect((await fetch(other.upload_url, { method: 'PUT', body: 'x' })).status).toBe(200);
    });
  });
});
