import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ObjectView } from '@berth/contract';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bootstrap } from '../../src/bootstrap.ts';
import { createTestDatabase, type TestDatabase } from '../database.ts';
import { blobFiles } from './kit.ts';

const sizeBytes = 8 * 2 ** 20;
const pieceBytes = 64 * 1024;
const longestMs = 60_000;
const seed = Number(process.env['BERTH_TEST_SEED'] ?? 1);

let database: TestDatabase;
let directory: string;
let child: ChildProcess | undefined;
let apiKey: string;

beforeEach(async () => {
  database = await createTestDatabase();
  directory = await mkdtemp(join(tmpdir(), 'berth-uploads-'));
  const made = await bootstrap({ databaseUrl: database.url, masterKeyFile: join(directory, 'master.key') });
  apiKey = made.apiKey ?? '';
});
afterEach(async () => {
  await kill();
  await database.drop();
  await rm(directory, { recursive: true });
});

const blobs = (): string => join(directory, 'blobs');

/** Resolves when the process is gone. */
const kill = async (): Promise<void> => {
  if (child !== undefined && child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
};

/** Starts the server as a process of its own; where it listens. */
const start = async (): Promise<string> => {
  const server = spawn(process.execPath, [fileURLToPath(new URL('../../src/main.ts', import.meta.url))], {
    env: {
      PATH: process.env['PATH'] ?? '',
      BERTH_STATE: directory,
      DATABASE_URL: database.url,
      BERTH_MASTER_KEY_FILE: join(directory, 'master.key'),
      BERTH_BLOBS: blobs(),
      BERTH_ALLOW_ROOT: '1',
      BERTH_PORT: '0',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child = server;
  let said = '';
  server.stderr.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  const port = () => /"port":(\d+)/.exec(said)?.[1];
  const deadlineMs = Date.now() + longestMs;
  while (port() === undefined) {
    if (server.exitCode !== null || server.signalCode !== null || Date.now() > deadlineMs) {
      throw new Error(`the server did not start (${server.exitCode ?? server.signalCode ?? 'it runs'}): ${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return `http://127.0.0.1:${port()}`;
};

/** The answer of a call that succeeds; `View` is what the contract says of it. */
const call = async <View extends object>(url: string, method: string, path: string, body?: unknown): Promise<View> => {
  const answer = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(answer.status, `${method} ${path}`).toBe(200);
  return (await answer.json()) as View;
};

/** A content that no other has, the same for a round whenever it is asked for. */
const contentOf = (round: number): Buffer => Buffer.alloc(sizeBytes, `${seed}-${round}-${'.'.repeat(round % 7)}`);

/** Sends so many bytes, then the rest while `then` acts; resolves when both are over. Whether it was acknowledged. */
const send = async (
  url: string,
  content: Buffer,
  beforeBytes: number,
  then: () => Promise<unknown>,
): Promise<boolean> => {
  const request = http.request(url, { method: 'PUT', headers: { 'content-length': content.byteLength } });
  const acknowledged = new Promise<boolean>((resolve) => {
    request.on('error', () => resolve(false));
    request.on('response', (answer) => {
      answer.resume();
      answer.on('close', () => resolve(answer.statusCode === 200));
    });
  });
  for (let next = 0; next < beforeBytes; next += pieceBytes) {
    const piece = content.subarray(next, Math.min(next + pieceBytes, beforeBytes));
    await new Promise<void>((sent) => request.write(piece, () => sent()));
  }
  const over = then();
  request.end(content.subarray(beforeBytes));
  await over;
  return acknowledged;
};

/** Any number below, the same for the same seed. */
const draw = (round: number, below: number): number => {
  const mixed = Math.imul(seed * 2_654_435 + round * 40_503 + 12_345, 1_103_515_245) >>> 0;
  return mixed % below;
};

it(`a server process killed at random bytes of an upload leaves the object whole or without content, and no file (BERTH_TEST_SEED=${seed})`, {
  timeout: 300_000,
}, async () => {
  let url = await start();
  const whole = new Map<string, number>();
  for (let round = 0; round < 8; round += 1) {
    const { id, upload_url } = await call<{ id: string; upload_url: string }>(url, 'POST', '/v1/objects', {
      name: `round-${round}`,
      content_type: 'binary',
    });
    // Some of the kills come after the last byte, when the file is brought to the disk, named and written down.
    const isLate = round % 2 === 1;
    const atBytes = isLate ? sizeBytes : draw(round, sizeBytes);
    const afterMs = isLate ? draw(round, 60) : 0;
    const wasAcknowledged = await send(upload_url, contentOf(round), atBytes, async () => {
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await kill();
    });
    await kill();
    url = await start();
    const { state, size_bytes } = await call<ObjectView>(url, 'GET', `/v1/objects/${id}`);
    expect(state).toBe('UPLOADING');
    expect([null, sizeBytes]).toContain(size_bytes);
    if (wasAcknowledged) {
      expect(size_bytes).toBe(sizeBytes);
    }
    if (size_bytes === sizeBytes) {
      whole.set(id, round);
      await call(url, 'POST', `/v1/objects/${id}/complete`);
    } else if (round % 4 === 0) {
      // The same URL takes the content after all.
      const again = upload_url.replace(/^http:\/\/[^/]+/, url);
      expect((await fetch(again, { method: 'PUT', body: contentOf(round) })).status).toBe(200);
      await call(url, 'POST', `/v1/objects/${id}/complete`);
      whole.set(id, round);
    }
    await expect.poll(async () => (await blobFiles(blobs())).length, { timeout: longestMs }).toBe(whole.size);
  }
  for (const [id, round] of whole) {
    const { download_url } = await call<{ download_url: string }>(url, 'GET', `/v1/objects/${id}/download`);
    const content = Buffer.from(await (await fetch(download_url)).arrayBuffer());
    expect(content.equals(contentOf(round))).toBe(true);
  }
  for (const id of whole.keys()) {
    await call(url, 'POST', `/v1/objects/${id}/delete`);
  }
  await expect.poll(async () => blobFiles(blobs()), { timeout: longestMs }).toEqual([]);
});
