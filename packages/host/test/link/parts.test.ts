import { decodeStatus, encodeStatus, GuestErrorCode, ProtocolBreach, StatusPhase } from '@berth/guest/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HostError } from '../../src/contract/index.ts';
import { BreachCounter } from '../../src/link/breach-counter.ts';
import { ByteQueue } from '../../src/link/byte-queue.ts';
import { FrameRate } from '../../src/link/frame-rate.ts';
import { guestText, toHostError } from '../../src/link/guest-error.ts';
import { GuestStream } from '../../src/link/guest-stream.ts';
import { Heartbeat } from '../../src/link/heartbeat.ts';
import { StreamTable } from '../../src/link/stream-table.ts';

describe('heartbeat', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const beating = () => {
    const state = { waiting: true, reads: 0, pings: 0, deaths: 0 };
    const heartbeat = new Heartbeat({
      waiting: () => state.waiting,
      reads: () => state.reads,
      ping: () => {
        state.pings += 1;
      },
      dead: () => {
        state.deaths += 1;
      },
    });
    heartbeat.wake();
    return { state, heartbeat };
  };

  it('asks every 3 s while something waits, and gives up after 10 s of silence', () => {
    const { state } = beating();
    vi.advanceTimersByTime(9_999);
    expect(state).toMatchObject({ pings: 3, deaths: 0 });
    vi.advanceTimersByTime(1);
    expect(state.deaths).toBe(1);
    vi.advanceTimersByTime(60_000);
    expect(state).toMatchObject({ pings: 3, deaths: 1 });
  });

  it('is content with any answer, and silent when nothing waits', () => {
    const { state, heartbeat } = beating();
    for (let second = 0; second < 60; second += 1) {
      state.reads += second % 5 === 0 ? 1 : 0;
      vi.advanceTimersByTime(1_000);
    }
    expect(state.deaths).toBe(0);
    state.waiting = false;
    const { pings } = state;
    vi.advanceTimersByTime(60_000);
    expect(state).toMatchObject({ pings, deaths: 0 });
    expect(vi.getTimerCount()).toBe(0);
    heartbeat.wake();
    expect(vi.getTimerCount()).toBe(0);
    state.waiting = true;
    heartbeat.wake();
    expect(vi.getTimerCount()).toBe(1);
    heartbeat.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('limits of one guest', () => {
  it('five breaches within a minute are too many, five in two minutes are not', () => {
    const fast = new BreachCounter();
    expect([0, 1, 2, 3, 4].map((second) => fast.count(second * 1_000))).toEqual([false, false, false, false, true]);
    const slow = new BreachCounter();
    expect([0, 1, 2, 3, 4, 5, 6].some((step) => slow.count(step * 20_000))).toBe(false);
  });

  it('a flood of frames is made to wait for the next window', () => {
    const rate = new FrameRate();
    expect([rate.count(5_000, 1_000), rate.count(1, 1_010), rate.count(1, 1_049)]).toEqual([0, 40, 1]);
    expect(rate.count(1, 1_050)).toBe(0);
  });
});

describe('errors of a guest', () => {
  const of = (code: GuestErrorCode, message = 'm') => {
    const { error } = decodeStatus(encodeStatus({ error: { code, message } }));
    return error === undefined ? undefined : toHostError(error);
  };

  it.each([
    ['NOT_FOUND', 'fileNotFound'],
    ['IS_DIRECTORY', 'isDirectory'],
    ['NOT_DIRECTORY', 'notDirectory'],
    ['PERMISSION', 'permissionDenied'],
    ['EXISTS', 'invalidPath'],
    ['NO_SPACE', 'noSpace'],
    ['INVALID', 'invalidPath'],
    ['TOO_LARGE', 'tooLarge'],
    ['REFUSED', 'connectRefused'],
    ['BUSY', 'internal'],
    ['CANCELLED', 'cancelled'],
    ['IO', 'internal'],
    ['UNSUPPORTED', 'internal'],
    ['NO_SUCH_USER', 'permissionDenied'],
    ['NOT_EMPTY', 'invalidPath'],
    ['UNKNOWN', 'internal'],
  ] as const)('%s is %s', (guest, host) => {
    expect(of(GuestErrorCode[guest])).toMatchObject({ code: host, retryable: guest === 'BUSY' });
  });

  it('every code that the protocol knows has a meaning here', () => {
    const known = Object.values(GuestErrorCode).filter((code) => code !== GuestErrorCode.UNKNOWN);
    expect(known).toHaveLength(15);
  });

  it('bring text that is bounded and fit to be shown', () => {
    expect(guestText('a\u001b[31m\nb\u0000')).toBe('a [31m b');
    expect(guestText('x'.repeat(5_000))).toHaveLength(1_001);
    expect(of(GuestErrorCode.IO, '')?.message).toBe('the guest reported an error');
    expect(of(99 as GuestErrorCode)?.code).toBe('internal');
  });
});

describe('byte queue', () => {
  const queueOf = () => {
    const seen = { taken: [] as number[], stops: 0 };
    const queue = new ByteQueue(
      (bytes) => seen.taken.push(bytes),
      () => {
        seen.stops += 1;
      },
    );
    return { queue, seen };
  };

  it('hands out all there is before its end, and says what was taken', async () => {
    const { queue, seen } = queueOf();
    queue.push(Buffer.from('ab'));
    queue.push(Buffer.from('c'));
    queue.end();
    const chunks: string[] = [];
    for await (const chunk of queue) {
      chunks.push(Buffer.from(chunk).toString());
    }
    expect([chunks, seen]).toEqual([['abc'], { taken: [3], stops: 1 }]);
  });

  it('hands out what came before an error', async () => {
    const { queue, seen } = queueOf();
    const iterator = queue[Symbol.asyncIterator]();
    const first = iterator.next();
    queue.push(Buffer.from('late'));
    queue.fail(new HostError('cancelled', 'over'));
    expect((await first).value).toEqual(Buffer.from('late'));
    await expect(iterator.next()).rejects.toMatchObject({ code: 'cancelled' });
    expect(seen.stops).toBe(1);
  });

  it('says when its reader wants no more', async () => {
    const { queue, seen } = queueOf();
    queue.push(Buffer.from('a'));
    for await (const _ of queue) {
      break;
    }
    expect(seen).toEqual({ taken: [], stops: 1 });
  });
});

describe('stream table', () => {
  const streamOf = (id: number) =>
    new GuestStream(
      id,
      () => new Uint8Array(),
      { windows: [1, 1], sends: false },
      { status: () => {}, lost: () => {} },
    );
  const status = (executionId = '') => decodeStatus(encodeStatus({ phase: StatusPhase.RUNNING, executionId }));

  it('gives ids that no earlier life of the host has given', () => {
    const first = new StreamTable(1, () => undefined);
    const second = new StreamTable(2, () => undefined);
    const last = [first.nextId(), first.nextId()].at(-1) ?? 0;
    expect(second.nextId()).toBeGreaterThan(last);
    expect(Number.isSafeInteger(new StreamTable(2 ** 20, () => undefined).nextId())).toBe(true);
  });

  it('compares what the guest lists with what the host has', () => {
    const moved = streamOf(3);
    const table = new StreamTable(1, ({ executionId }) => (executionId === 'moved' ? moved : undefined));
    const [both, sent, known] = [streamOf(table.nextId()), streamOf(table.nextId()), streamOf(table.nextId())];
    known.confirmed = true;
    for (const stream of [both, sent, known, moved]) {
      table.add(stream);
    }
    table.beginListing();
    expect(table.list(both.id, status())).toBe(both);
    expect(table.list(77, status('other'))).toBeUndefined();
    expect(table.list(9, status('moved'))).toBe(moved);
    expect(table.listed(sent.id)).toBeUndefined();
    expect(table.compare()).toEqual({ resumed: [both, moved], missing: [sent], forgotten: [known], strangers: [77] });
    expect([moved.id, table.find(9)]).toEqual([9, moved]);
  });

  it('tells a late frame of a closed stream from one of a stream that never was', () => {
    const table = new StreamTable(1, () => undefined);
    const stream = streamOf(table.nextId());
    table.add(stream);
    table.remove(stream);
    expect(table.find(stream.id)).toBeUndefined();
    expect(() => table.find(stream.id + 1)).toThrow(ProtocolBreach);
  });

  it('takes only so many strangers', () => {
    const table = new StreamTable(1, () => undefined);
    const one = status();
    expect(() => {
      for (let id = 1; id < 70_000; id += 1) {
        table.list(id, one);
      }
    }).toThrow(ProtocolBreach);
  });
});
