import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type DevboxServer, startDevboxServer } from '../devboxes/kit.ts';
import { base, begin, built, untilStatus } from './kit.ts';

let server: DevboxServer;
beforeAll(async () => {
  server = await startDevboxServer();
});
afterAll(() => server.close());
afterEach(() => {
  server.host.setUnreachable(false);
  server.host.holdBuilds(false);
});

const get = async (path: string) => (await server.caller.call('GET', path)).json;
const tail = async (id: string, query = ''): Promise<Array<{ line: number; message: string }>> => {
  const text = await (await server.caller.fetch(`${base}/${id}/logs/tail${query}`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice('data: '.length)));
};

const wish = { dockerfile: 'FROM debian\nENV A=1\nENV B=2' };

describe('logs of a build', () => {
  it('have a level, a message and a time a line', async () => {
    const { id } = await built(server.caller, wish);
    const { blueprint_id, logs } = await get(`${base}/${id}/logs`);
    expect(blueprint_id).toBe(id);
    expect(logs).toHaveLength(3);
    expect(logs[1]).toEqual({
      level: 'info',
      message: expect.stringContaining('ENV A=1'),
      timestamp_ms: expect.any(Number),
    });
    expect((await get(`${base}/${id}/logs?from_line=2`)).logs).toHaveLength(1);
  });

  it('are empty before it began', async () => {
    server.host.setUnreachable(true);
    const id = await begin(server.caller, wish);
    server.host.setUnreachable(false);
    await untilStatus(server.caller, id, 'build_complete');
    server.host.holdBuilds(true);
    const waiting = await begin(server.caller, wish);
    await untilStatus(server.caller, waiting, 'provisioning');
    expect((await get(`${base}/${waiting}/logs`)).logs).toEqual([]);
    await server.caller.call('POST', `${base}/${waiting}/delete`, '');
  });

  it('can be followed from before the beginning to the end, and from a line on', async () => {
    server.host.holdBuilds(true);
    const id = await begin(server.caller, wish);
    const followed = tail(id);
    await untilStatus(server.caller, id, 'provisioning');
    server.host.holdBuilds(false);
    const lines = await followed;
    expect(lines.map((line) => line.line)).toEqual([0, 1, 2]);
    expect(await tail(id, '?from_line=1')).toEqual(lines.slice(1));
    expect(await tail(id, '?from_line=9')).toEqual([]);
  });

  it('end with the reason of a build that was cancelled before it began', async () => {
    server.host.holdBuilds(true);
    const id = await begin(server.caller, wish);
    await untilStatus(server.caller, id, 'provisioning');
    await server.caller.call('POST', `${base}/${id}/cancel`, '');
    await tail(id);
    expect((await server.caller.call('GET', `${base}/${id}/logs`)).status).toBe(200);
  });
});
