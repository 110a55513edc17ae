import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { apiError } from '../src/errors/api-error.ts';
import { IdempotencyService, retentionMs } from '../src/idempotency/service.ts';
import { startTestServer, type TestCaller, type TestServer } from './harness.ts';
import { workRoute } from './probe-routes.ts';

let server: TestServer;
let caller: TestCaller;
let runs = 0;
let release: () => void = () => undefined;
let gate: Promise<void> = Promise.resolve();
let failure: Error | undefined;

const work = async (): Promise<unknown> => {
  runs += 1;
  const run = runs;
  await gate;
  if (failure !== undefined) {
    throw failure;
  }
  return { run };
};

beforeAll(async () => {
  server = await startTestServer({
    extraRoutes: [workRoute('/probe/work', work), workRoute('/probe/other', work)],
  });
  caller = await server.newCaller();
});
afterAll(() => server.close());
beforeEach(() => {
  runs = 0;
  gate = Promise.resolve();
  failure = undefined;
});

const post = (key: string, path = '/probe/work', body: unknown = {}, who = caller) =>
  who.call('POST', path, body, { 'x-request-id': key });

describe('one key', () => {
  it('runs once and gives the same answer again', async () => {
    const first = await post('a');
    const second = await post('a');
    expect(first.json).toEqual({ run: 1 });
    expect(second.json).toEqual({ run: 1 });
    expect(second.status).toBe(200);
  });

  it('lets concurrent repetitions wait for the first', async () => {
    gate = new Promise((resolve) => {
      release = resolve;
    });
    const all = Promise.all(Array.from({ length: 8 }, () => post('concurrent')));
    await expect.poll(() => runs).toBe(1);
    release();
    expect((await all).map((answer) => answer.json)).toEqual(Array.from({ length: 8 }, () => ({ run: 1 })));
    expect(runs).toBe(1);
  });

  it('is independent on another path, of another account, and without a key', async () => {
    await post('b');
    expect((await post('b', '/probe/other')).json).toEqual({ run: 2 });
    expect((await post('b', '/probe/work', {}, await server.newCaller())).json).toEqual({ run: 3 });
    expect((await caller.call('POST', '/probe/work', {})).json).toEqual({ run: 4 });
    expect((await caller.call('POST', '/probe/work', {})).json).toEqual({ run: 5 });
  });

  it('is refused with 422 for a different request', async () => {
    await post('c', '/probe/work', { x: 1 });
    const answer = await post('c', '/probe/work', { x: 2 });
    expect(answer.status).toBe(422);
    expect(answer.json.code).toBe('idempotencyKeyReused');
    expect((await post('c', '/probe/work?force=true', { x: 1 })).status).toBe(422);
    expect(runs).toBe(1);
  });

  it('refuses an endless key', async () => {
    expect((await post('k'.repeat(2_000))).status).toBe(400);
  });
});

describe('failures', () => {
  it('remembers a refusal', async () => {
    failure = apiError('duplicateName', { resource: 'probe', name: 'x' });
    expect((await post('d')).status).toBe(400);
    failure = undefined;
    const again = await post('d');
    expect(again.status).toBe(400);
    expect(again.json.code).toBe('duplicateName');
    expect(runs).toBe(1);
  });

  it.each([
    ['500', new Error('x'), 500],
    ['503', apiError('hostUnavailable'), 503],
    ['408', apiError('longPollTimeout', { seconds: 1 }), 408],
  ])('forgets %s', async (name, error, status) => {
    failure = error;
    expect((await post(`e${name}`)).status).toBe(status);
    failure = undefined;
    expect((await post(`e${name}`)).json).toEqual({ run: 2 });
  });
});

describe('a server that was killed', () => {
  const service = (owner: string) =>
    new IdempotencyService({ database: server.server.parts.database, owner, log: server.server.parts.log });
  const fingerprint = Buffer.from('same');

  it('leaves a row that the next one takes over', async () => {
    const never = service('dead').run('orphan', fingerprint, () => new Promise(() => undefined));
    never.catch(() => undefined);
    const { database } = server.server.parts;
    await expect
      .poll(() =>
        database.selectFrom('idempotent_requests').selectAll().where('token', '=', 'orphan').executeTakeFirst(),
      )
      .toBeDefined();
    const answer = await service('next').run('orphan', fingerprint, async () => ({
      status: 200,
      body: '{"taken":true}',
    }));
    expect(answer.body).toBe('{"taken":true}');
  });

  it('keeps what was finished', async () => {
    await service('first').run('done', fingerprint, async () => ({ status: 200, body: '1' }));
    const again = await service('second').run('done', fingerprint, async () => ({ status: 200, body: '2' }));
    expect(again.body).toBe('1');
  });

  it('forgets after the retention, and sweeps', async () => {
    const { database } = server.server.parts;
    await service('first').run('old', fingerprint, async () => ({ status: 200, body: '1' }));
    await database
      .updateTable('idempotent_requests')
      .set({ created_ms: Date.now() - retentionMs - 1 })
      .where('token', '=', 'old')
      .execute();
    const again = await service('first').run('old', Buffer.from('other'), async () => ({ status: 200, body: '2' }));
    expect(again.body).toBe('2');
    expect(await service('first').sweep(Date.now() + retentionMs + 1)).toBeGreaterThan(0);
    expect(await database.selectFrom('idempotent_requests').selectAll().execute()).toEqual([]);
  });

  it('does not remember an answer beyond bounds', async () => {
    const body = 'x'.repeat(2 * 1024 * 1024);
    await service('first').run('large', fingerprint, async () => ({ status: 200, body }));
    const again = await service('first').run('large', fingerprint, async () => ({ status: 200, body: 'second' }));
    expect(again.body).toBe('second');
  });
});
