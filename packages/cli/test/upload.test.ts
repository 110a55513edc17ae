import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { uploadPath } from '../src/devboxes/upload.ts';
import { sendJson, streamingApi } from './streaming-api.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-upload-test-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Takes whatever it is sent; commands in the box end with 0. */
const box = () =>
  streamingApi(({ path }, response) => {
    const done = { execution_id: 'exc_1', status: 'completed', exit_status: 0, stdout: '', stderr: '' };
    sendJson(response, 200, path.endsWith('/upload_file') ? {} : done);
  });

describe('a directory that is copied into a box', () => {
  it('is sent, then unpacked', async () => {
    writeFileSync(join(directory, 'file'), 'content');
    await using api = await box();
    expect(await uploadPath(api.client, directory, 'dbx_1', '/tmp')).toBeGreaterThan(0);
    const sent = api.calls.findIndex(({ path }) => path.endsWith('/upload_file'));
    expect(api.calls[sent]?.body).toContain('content');
    expect(api.calls.slice(sent).some(({ body }) => body.includes('tar -xf'))).toBe(true);
  });

  // The kernel's own files are shorter than they say, which tar complains of and fills up with zeros.
  it.each(['/sys/module/kernel/parameters'])(
    'is not taken for whole when tar cannot read all of it: %s',
    async (from) => {
      await using api = await box();
      await expect(uploadPath(api.client, from, 'dbx_1', '/tmp')).rejects.toThrow(`tar could not pack ${from}`);
      expect(api.calls.some(({ body }) => body.includes('tar -xf'))).toBe(false);
    },
  );
});
