import type { FakeHost } from '@berth/host/fake';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { eventually, waitFor } from './kit.ts';
import { atEnd, newWorld, run, type World } from './restart-kit.ts';

/** Keeps rows of boxes from being written until it is ended; `cutOff` ends the connections that wait to write them. */
const withholdRows = async (world: World) => {
  const client = new pg.Client(world.database.url);
  client.on('error', () => undefined);
  await client.connect();
  atEnd(() => client.end().catch(() => undefined));
  await client.query('begin; lock table devboxes in exclusive mode');
  const waiting = `from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and query like '%insert into devboxes%'`;
  const look = async (what: string): Promise<number> => {
    // A transaction sees the activity of others as it was at its first look.
    await client.query('select pg_stat_clear_snapshot()');
    return (await client.query(`select ${what} ${waiting}`)).rows.length;
  };
  return {
    /** Resolves when one is waited for. */
    awaited: () => eventually(async () => (await look('')) > 0),
    release: () => client.query('rollback'),
    cutOff: () => look('pg_terminate_backend(pid)'),
  };
};

const present = async (host: FakeHost): Promise<string[]> =>
  (await host.list()).filter(({ phase }) => phase !== 'destroyed').map(({ id }) => id);

const rowIds = async (world: World): Promise<string[]> => {
  const client = new pg.Client(world.database.url);
  await client.connect();
  const { rows } = await client.query('select id from devboxes order by id');
  await client.end();
  return rows.map(({ id }) => id);
};

describe('a box that the host is asked for while its row is written', () => {
  it('is ended when the server is killed before the row is written', async () => {
    const world = await newWorld();
    const first = await run(world);
    const rows = await withholdRows(world);
    first.caller.call('POST', '/v1/devboxes', {}).catch(() => undefined);
    await rows.awaited();
    await eventually(async () => (await present(world.fake)).length === 1);
    const killed = first.kill();
    await rows.cutOff();
    await killed;
    await rows.release();
    await run(world, first);
    await eventually(async () => (await present(world.fake)).length === 0);
    expect(await rowIds(world)).toEqual([]);
    expect(await world.fake.list()).toEqual([]);
  });

  it('is ended when the row cannot be written, and the create can be repeated', async () => {
    const world = await newWorld();
    const { caller } = await run(world);
    const rows = await withholdRows(world);
    const token = { 'x-request-id': 'once' };
    const refused = caller.call('POST', '/v1/devboxes', {}, token);
    await rows.awaited();
    await eventually(async () => (await present(world.fake)).length === 1);
    const [lost] = await present(world.fake);
    await rows.cutOff();
    expect((await refused).status).toBeGreaterThanOrEqual(500);
    await rows.release();
    await eventually(async () => !(await present(world.fake)).includes(lost ?? ''));
    const again = await caller.call('POST', '/v1/devboxes', {}, token);
    expect(again.status).toBe(200);
    await waitFor(caller, again.json.id, 'running');
    expect(await present(world.fake)).toEqual([again.json.id]);
  });

  it('is ended when the token stands for another one already', async () => {
    const world = await newWorld();
    const { caller } = await run(world);
    const token = { 'x-request-id': 'once' };
    const answers = await Promise.all(Array.from({ length: 5 }, () => caller.call('POST', '/v1/devboxes', {}, token)));
    const ids = new Set(answers.map(({ json }) => json.id));
    expect(ids.size).toBe(1);
    await eventually(async () => (await present(world.fake)).length === 1);
    expect(await present(world.fake)).toEqual([...ids]);
    expect(await rowIds(world)).toEqual([...ids]);
  });

  it('fails with its cause when it dies before its row is there', async () => {
    const world = await newWorld();
    const { caller } = await run(world);
    const rows = await withholdRows(world);
    const created = caller.call('POST', '/v1/devboxes', {});
    await eventually(async () => (await present(world.fake)).length === 1);
    const [id = ''] = await present(world.fake);
    world.fake.loseBox(id, 'out_of_memory', 'too small');
    await rows.release();
    expect((await created).json.id).toBe(id);
    expect(await waitFor(caller, id, 'failure')).toMatchObject({ failure_reason: 'out_of_memory' });
  });

  it('is ended when it is shut down at once', async () => {
    const world = await newWorld();
    const { caller } = await run(world);
    const { json } = await caller.call('POST', '/v1/devboxes', {});
    await caller.call('POST', `/v1/devboxes/${json.id}/shutdown`);
    await eventually(async () => (await present(world.fake)).length === 0);
  });

  it('is initialized on the way, as its history says', async () => {
    const world = await newWorld();
    const { caller } = await run(world);
    const { json } = await caller.call('POST', '/v1/devboxes', {});
    const box = await waitFor(caller, json.id, 'running');
    expect(box.state_transitions.map(({ status }: { status: string }) => status)).toEqual([
      'provisioning',
      'initializing',
      'running',
    ]);
  });
});
