import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NotificationHub } from '../../src/database/notifications.ts';
import { longPoll } from '../../src/http/long-poll.ts';
import { createTestDatabase, type TestDatabase } from '../database.ts';

let database: TestDatabase;
let hub: NotificationHub;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
  hub = new NotificationHub({ url: database.url, log: pino({ level: 'silent' }) });
  await hub.start();
  client = new pg.Client(database.url);
  client.on('error', () => undefined);
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await hub.close();
  await database.drop();
});

const scope = () => {
  const gone = new AbortController();
  const closing = new AbortController();
  return { gone, closing, signals: { signal: gone.signal, closing: closing.signal } };
};

const announce = (topic: string) => client.query('select pg_notify($1, $2)', ['berth', topic]);

describe('a long poll', () => {
  it('answers at once when the state is there already', async () => {
    const value = await longPoll(hub, scope().signals, {
      topics: ['a'],
      timeoutMs: 60_000,
      check: async () => 'there',
    });
    expect(value).toBe('there');
    expect(hub.waiters).toBe(0);
  });

  it('is woken by an announcement from another connection', async () => {
    let state: string | undefined;
    let looks = 0;
    const waiting = longPoll(hub, scope().signals, {
      topics: ['devbox:1'],
      timeoutMs: 60_000,
      check: async () => {
        looks += 1;
        return state;
      },
    });
    await expect.poll(() => looks).toBe(1);
    await announce('devbox:2');
    state = 'running';
    await announce('devbox:1');
    expect(await waiting).toBe('running');
    expect(looks).toBe(2);
    expect(hub.waiters).toBe(0);
  });

  it('sees a change that comes while it looks', async () => {
    let looks = 0;
    const value = await longPoll(hub, scope().signals, {
      topics: ['devbox:3'],
      timeoutMs: 60_000,
      check: async () => {
        looks += 1;
        if (looks === 1) {
          hub.wake('devbox:3');
          return undefined;
        }
        return 'changed';
      },
    });
    expect(value).toBe('changed');
  });

  it('ends with 408 when the time is over', async () => {
    const waiting = longPoll(hub, scope().signals, { topics: ['b'], timeoutMs: 20, check: async () => undefined });
    await expect(waiting).rejects.toMatchObject({ status: 408, retryable: true });
    expect(hub.waiters).toBe(0);
  });

  it('looks a last time when the time is over', async () => {
    let state: string | undefined;
    const waiting = longPoll(hub, scope().signals, { topics: ['b'], timeoutMs: 50, check: async () => state });
    state = 'unannounced';
    expect(await waiting).toBe('unannounced');
  });

  it.each(['gone', 'closing'] as const)(
    'ends with 408 when the client is gone or the server closing: %s',
    async (which) => {
      const given = scope();
      const waiting = longPoll(hub, given.signals, { topics: ['c'], timeoutMs: 60_000, check: async () => undefined });
      given[which].abort();
      await expect(waiting).rejects.toMatchObject({ status: 408 });
      expect(hub.waiters).toBe(0);
    },
  );

  it('hands on what the look throws', async () => {
    const waiting = longPoll(hub, scope().signals, {
      topics: ['d'],
      timeoutMs: 60_000,
      check: () => Promise.reject(new Error('gone')),
    });
    await expect(waiting).rejects.toThrow('gone');
    expect(hub.waiters).toBe(0);
  });
});

describe('the hub', () => {
  it('wakes everybody after its connection was lost, and hears again', async () => {
    let wakes = 0;
    const unsubscribe = hub.subscribe('e', () => {
      wakes += 1;
    });
    await client.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen berth' and datname = current_database()",
    );
    await expect.poll(() => wakes, { timeout: 5_000 }).toBe(1);
    expect(hub.connected).toBe(true);
    await announce('e');
    await expect.poll(() => wakes).toBe(2);
    unsubscribe();
  });

  it('notices a database that has fallen silent, and finds another connection', async () => {
    const watchful = new NotificationHub({ url: database.url, log: pino({ level: 'silent' }), heartbeatMs: 100 });
    let wakes = 0;
    watchful.subscribe('f', () => {
      wakes += 1;
    });
    const pids = async (): Promise<number[]> =>
      (
        await client.query<{ pid: number }>(
          "select pid from pg_stat_activity where application_name = 'berth-server' and datname = current_database()",
        )
      ).rows.map((row) => row.pid);
    const before = new Set(await pids());
    await watchful.start();
    const [pid] = (await pids()).filter((candidate) => !before.has(candidate));
    expect(pid).toBeGreaterThan(0);
    expect(wakes).toBe(1);
    process.kill(Number(pid), 'SIGSTOP');
    try {
      await expect.poll(() => wakes, { timeout: 5_000 }).toBe(2);
      expect(watchful.connected).toBe(true);
    } finally {
      process.kill(Number(pid), 'SIGCONT');
      await watchful.close();
    }
  });
});
