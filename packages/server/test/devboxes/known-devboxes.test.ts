import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NotificationHub } from '../../src/database/notifications.ts';
import { devboxTopic } from '../../src/devboxes/announce.ts';
import type { Devbox } from '../../src/devboxes/devbox.ts';
import { KnownDevboxes } from '../../src/devboxes/known-devboxes.ts';
import { createTestDatabase, type TestDatabase } from '../database.ts';
import { eventually, runningBox, startDevboxServer } from './kit.ts';

const box = (id: string, revision: number): Devbox => ({ id, revision }) as Devbox;

describe('boxes as they were written last', () => {
  let database: TestDatabase;
  let hub: NotificationHub;
  let known: KnownDevboxes;

  beforeEach(async () => {
    database = await createTestDatabase({ empty: true });
    hub = new NotificationHub({ url: database.url, log: pino({ level: 'silent' }) });
    await hub.start();
    known = new KnownDevboxes(hub, 3);
  });

  afterEach(async () => {
    await hub.close();
    await database.drop();
  });

  it('are known to those who are woken by the change', async () => {
    const seen = new Promise((resolve) => {
      hub.subscribe(devboxTopic('a'), () => queueMicrotask(() => resolve(known.get('a'))));
    });
    known.changed(box('a', 1));
    expect(await seen).toEqual(box('a', 1));
  });

  it('are not replaced by what came late', () => {
    known.changed(box('a', 2));
    known.changed(box('a', 1));
    expect(known.get('a')?.revision).not.toBe(1);
  });

  it('are looked up after a change by others, one that is not sure, and while announcements are lost', async () => {
    known.changed(box('a', 1));
    hub.wake(devboxTopic('a'));
    expect(known.get('a')).toBeUndefined();
    known.changed(box('a', 2));
    known.unsure('a');
    expect(known.get('a')).toBeUndefined();
    known.changed(box('a', 3));
    await hub.close();
    expect(known.get('a')).toBeUndefined();
  });

  it('are few, and leave no waiters behind', () => {
    for (const id of ['a', 'b', 'c', 'd']) {
      known.changed(box(id, 0));
    }
    expect(['a', 'b', 'c', 'd'].map((id) => known.get(id)?.id)).toEqual([undefined, 'b', 'c', 'd']);
    expect(hub.waiters).toBe(3);
  });
});

describe('a box that was just changed', () => {
  it('is shown as it is, whoever changed it', async () => {
    const { caller, server, ...rest } = await startDevboxServer();
    try {
      const id = await runningBox(caller);
      const path = `/v1/devboxes/${id}`;
      await caller.call('POST', path, { name: 'one', metadata: { a: '1' } });
      expect((await caller.call('GET', path)).json).toMatchObject({ name: 'one', metadata: { a: '1' } });
      const { database } = server.parts;
      await database.updateTable('devboxes').set({ name: 'other' }).where('id', '=', id).execute();
      // As another server would have it announced, from a connection that is not of this one.
      server.parts.hub.wake(devboxTopic(id));
      await eventually(async () => (await caller.call('GET', path)).json.name === 'other');
    } finally {
      await rest.close();
    }
  });
});
