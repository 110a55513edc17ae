import { describe, expect, it } from 'vitest';
import type { HostEvent } from '../src/contract/index.ts';
import { HostError } from '../src/contract/index.ts';
import { EventHub } from '../src/events/event-hub.ts';

const event = (executionId: string): HostEvent => ({ type: 'execution', boxId: 'b', executionId, status: 'completed' });

describe('the event hub', () => {
  it('gives each subscriber every event from its first read on', async () => {
    const hub = new EventHub();
    const abort = new AbortController();
    const readers = [hub.subscribe(abort.signal), hub.subscribe(abort.signal)];
    const firsts = readers.map((reader) => reader.next());
    hub.emit(event('1'));
    hub.emit(event('2'));
    for (const first of firsts) {
      expect((await first).value).toEqual(event('1'));
    }
    for (const reader of readers) {
      expect((await reader.next()).value).toEqual(event('2'));
    }
    const lasts = readers.map((reader) => reader.next());
    abort.abort();
    expect((await Promise.all(lasts)).map(({ done }) => done)).toEqual([true, true]);
  });

  it('cuts off a subscriber that does not read, not the others', async () => {
    const hub = new EventHub();
    const slow = hub.subscribe(new AbortController().signal);
    const quick = hub.subscribe(new AbortController().signal);
    const started = [slow.next(), quick.next()];
    for (let count = 0; count < 10_000; count++) {
      hub.emit(event('x'));
    }
    await Promise.all(started);
    for (let count = 0; count < 5_000; count++) {
      await quick.next();
    }
    for (let count = 0; count < 100; count++) {
      hub.emit(event('y'));
    }
    const drain = async () => {
      while (!(await slow.next()).done) {}
    };
    await expect(drain()).rejects.toMatchObject({ code: 'hostUnavailable' });
    expect((await quick.next()).value).toEqual(event('x'));
  });

  it('ends subscriptions with an error when it is closed', async () => {
    const hub = new EventHub();
    const next = hub.subscribe(new AbortController().signal).next();
    hub.close();
    await expect(next).rejects.toBeInstanceOf(HostError);
    await expect(hub.subscribe(new AbortController().signal).next()).rejects.toMatchObject({ code: 'hostUnavailable' });
  });
});
