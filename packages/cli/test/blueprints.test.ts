import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { blueprintSource, findBlueprint, listBlueprints } from '../src/blueprints/blueprint.ts';
import { followBuildLog, untilBuilt } from '../src/blueprints/follow-build.ts';
import { ApiClient } from '../src/http/client.ts';
import { scriptedApi } from './scripted-api.ts';

const listed = [
  { id: 'bpt_3', name: 'nightly', status: 'failed', state: 'created' },
  { id: 'bpt_2', name: 'nightly', status: 'build_complete', state: 'created' },
  { id: 'bpt_1', name: 'ready', status: 'build_complete', state: 'created' },
];
const list = () => scriptedApi(() => [200, { blueprints: listed, has_more: false }]);

describe('blueprints', () => {
  it('are found by id, by a name that only one has, or as the newest of a name', async () => {
    await using api = await list();
    expect(await findBlueprint(api.client, 'bpt_9', 'only')).toBe('bpt_9');
    expect(await findBlueprint(api.client, 'ready', 'only')).toBe('bpt_1');
    expect(await findBlueprint(api.client, 'nightly', 'newest')).toBe('bpt_3');
    await expect(findBlueprint(api.client, 'nightly', 'only')).rejects.toThrow(/2 blueprints are named/);
    await expect(findBlueprint(api.client, 'read', 'newest')).rejects.toThrow(/no blueprint is named/);
  });

  it('are asked for by name, status and label', async () => {
    await using api = await list();
    const found = await listBlueprints(api.client, { name: 'ready', status: 'failed', metadata: { team: 'a' } });
    expect(found.map(({ id }) => id)).toEqual(['bpt_1']);
    expect(api.seen[0]?.query).toMatchObject({ name: 'ready', status: 'failed', 'metadata[team]': 'a' });
  });

  it('are named in a create by id or by name', () => {
    expect(blueprintSource('bpt_1')).toEqual({ blueprint_id: 'bpt_1' });
    expect(blueprintSource('ready')).toEqual({ blueprint_name: 'ready' });
    expect(blueprintSource(undefined)).toEqual({});
  });

  it('are waited for until their build has ended', async () => {
    await using api = await scriptedApi(() => [200, { status: api.seen.length < 3 ? 'building' : 'failed' }]);
    expect((await untilBuilt(api.client, 'bpt_1')).status).toBe('failed');
  });
});

/** A server of one log whose stream breaks off after each line: by an `error` event, or with its connection. */
const brittle = async (lines: number) => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const from = Number(new URL(request.url ?? '/', 'http://api').searchParams.get('from_line'));
    asked.push(String(from));
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (from >= lines) {
      response.end();
      return;
    }
    const line = { line: from, level: 'info', message: `line ${from}`, timestamp_ms: 1 };
    response.write(`: ping\n\ndata: ${JSON.stringify(line)}\n\n`, () => {
      if (from % 2 === 0) {
        response.end('event: error\ndata: {"code":408,"message":"again"}\n\n');
      } else {
        request.socket.destroy();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    asked,
    client: new ApiClient({ baseUrl: `http://127.0.0.1:${port}`, apiKey: 'ak_test' }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

it('goes on with a log whose stream breaks off, each line once', async () => {
  await using api = await brittle(4);
  const seen: string[] = [];
  await followBuildLog(api.client, 'bpt_1', ({ message }) => seen.push(message));
  expect(seen).toEqual(['line 0', 'line 1', 'line 2', 'line 3']);
  expect(api.asked).toEqual(['0', '1', '2', '3', '4']);
});
