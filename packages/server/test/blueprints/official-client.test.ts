import Runloop, { BadRequestError, NotFoundError, RunloopSDK } from '@runloop/api-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevboxServer, startDevboxServer } from '../devboxes/kit.ts';

let server: DevboxServer;
beforeAll(async () => {
  server = await startDevboxServer();
});
afterAll(() => server.close());

describe.each([
  ['HTTP/2 with prior knowledge', undefined],
  ['HTTP/1.1', false],
] as const)('@runloop/api-client over %s', (_title, http2) => {
  const options = () => ({
    baseURL: server.baseUrl,
    bearerToken: server.caller.key,
    maxRetries: 0,
    ...(http2 === undefined ? {} : { http2 }),
  });
  const client = () => new Runloop(options());

  it('builds, finds, looks into, starts from and deletes a blueprint', async () => {
    const sdk = new RunloopSDK(options());
    const name = `official-${http2}`;
    const blueprint = await sdk.blueprint.create({
      name,
      dockerfile: 'FROM ubuntu:22.04\nENV COLOUR=blue',
      system_setup_commands: ['sudo apt-get update'],
      metadata: { team: 'one' },
      launch_parameters: { keep_alive_time_seconds: 120 },
    });
    const info = await blueprint.getInfo();
    expect(info).toMatchObject({ name, status: 'build_complete', state: 'created', metadata: { team: 'one' } });
    expect(info.parameters.dockerfile).toBe('FROM ubuntu:22.04\nENV COLOUR=blue');
    const { logs } = await blueprint.logs();
    expect(logs.length).toBeGreaterThan(0);
    expect(logs[0]?.timestamp_ms).toBeGreaterThan(0);
    expect((await sdk.blueprint.list({ name })).map((each) => each.id)).toEqual([blueprint.id]);
    expect((await sdk.blueprint.fromId(blueprint.id).getInfo()).id).toBe(blueprint.id);

    const devbox = await blueprint.createDevbox({ name: 'from it' });
    const { blueprint_id, launch_parameters } = await devbox.getInfo();
    expect(blueprint_id).toBe(blueprint.id);
    expect(launch_parameters.keep_alive_time_seconds).toBe(120);
    expect(await (await devbox.cmd.exec('echo $COLOUR')).stdout()).toBe('blue\n');
    const named = await sdk.devbox.createFromBlueprintName(name);
    expect((await named.getInfo()).blueprint_id).toBe(blueprint.id);

    const snapshot = await devbox.snapshotDisk({ name: 'of it' });
    await expect(blueprint.delete()).rejects.toThrow(BadRequestError);
    await snapshot.delete();
    expect(await blueprint.delete()).toBeDefined();
    expect((await blueprint.getInfo()).state).toBe('deleted');
    await devbox.shutdown();
    await named.shutdown();
  });

  it('hears of failures as the API tells them', async () => {
    const runloop = client();
    const failing = { name: 'broken', dockerfile: 'FROM debian\nRAN nothing' };
    await expect(runloop.blueprints.createAndAwaitBuildCompleted(failing)).rejects.toThrow();
    const [broken] = (await runloop.blueprints.list({ name: 'broken', limit: 1 })).blueprints;
    expect(broken).toMatchObject({ status: 'failed', failure_reason: 'build_failed' });
    await expect(runloop.blueprints.retrieve('bpt_000000000000000000000')).rejects.toThrow(NotFoundError);
    await expect(runloop.blueprints.logs('bpt_000000000000000000000')).rejects.toThrow(NotFoundError);
    await expect(runloop.devboxes.create({ blueprint_id: broken?.id ?? '' })).rejects.toThrow(BadRequestError);
    await expect(runloop.blueprints.create({ name: 'x', secrets: { A: 'nope' } })).rejects.toThrow(BadRequestError);
    await expect(runloop.blueprints.create({ name: '' })).rejects.toThrow(BadRequestError);
  });

  it('previews and pages', async () => {
    const runloop = client();
    const { dockerfile } = await runloop.blueprints.preview({ name: 'x', system_setup_commands: ['echo hello'] });
    expect(dockerfile).toMatch(/^FROM /);
    expect(dockerfile).toContain('echo hello');
    const name = `page-${http2}`;
    await Promise.all([1, 2, 3, 4, 5].map(() => runloop.blueprints.createAndAwaitBuildCompleted({ name })));
    const ids = new Set<string>();
    for await (const blueprint of runloop.blueprints.list({ name, limit: 2 })) {
      ids.add(blueprint.id);
    }
    expect(ids.size).toBe(5);
    expect((await runloop.blueprints.listPublic({ limit: 5 })).blueprints).toEqual([]);
  });
});
