import { FakeHost } from '@berth/host/fake';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually, runningBox, startDevboxServer, waitFor } from '../devboxes/kit.ts';
import { newWorld, run } from '../devboxes/restart-kit.ts';
import { startTestServer, type TestCaller } from '../harness.ts';

const gibibyte = 1024 ** 3;

/** A host of some size. */
class SmallHost extends FakeHost {
  memoryGib = 8;
  diskFreeGib = 1_000;

  override async describe() {
    return {
      ...(await super.describe()),
      memoryBytes: this.memoryGib * gibibyte,
      diskFreeBytes: this.diskFreeGib * gibibyte,
    };
  }
}

const cleanUps: Array<() => Promise<void>> = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) {
    await cleanUp();
  }
});

const start = async (options: Parameters<typeof startDevboxServer>[0] = {}, host = new SmallHost()) => {
  const server = await startDevboxServer({
    ...options,
    host,
    admission: { memoryOvercommit: 1, ...options.admission },
  });
  cleanUps.push(() => server.close());
  await eventually(async () => (await server.caller.call('GET', '/metrics')).json.includes('berth_host_connected 1'));
  return { ...server, host };
};

const sized = (resource_size_request: string, more: object = {}) => ({
  launch_parameters: { resource_size_request, ...more },
});
const create = (caller: TestCaller, wish: unknown) => caller.call('POST', '/v1/devboxes', wish);
const shutdown = (caller: TestCaller, id: string) => caller.call('POST', `/v1/devboxes/${id}/shutdown`, '');
const statusOf = async (caller: TestCaller, id: string) => (await caller.call('GET', `/v1/devboxes/${id}`)).json.status;

describe('admission by memory', () => {
  it('queues what does not fit, says what for, and starts it when there is room', async () => {
    const { caller } = await start();
    const first = await runningBox(caller, sized('LARGE'));
    const { json } = await create(caller, sized('X_SMALL'));
    expect(json.status).toBe('queued');
    expect(json.state_transitions).toEqual([
      { status: 'queued', transition_time_ms: json.create_time_ms, detail: 'waits for memory' },
    ]);
    expect((await caller.call('GET', '/metrics')).json).toContain('berth_devboxes_queued 1');
    await shutdown(caller, first);
    const view = await waitFor(caller, json.id, 'running', 'failure');
    expect(view.state_transitions.map((each: { status: string }) => each.status)).toEqual([
      ...['queued', 'provisioning', 'initializing', 'running'],
    ]);
  });

  it('gives room free with a suspension, and takes it again with a resume, which waits its turn', async () => {
    const { caller } = await start();
    const first = await runningBox(caller, sized('LARGE'));
    await caller.call('POST', `/v1/devboxes/${first}/suspend`, '');
    await waitFor(caller, first, 'suspended');
    const second = await runningBox(caller, sized('LARGE'));
    const resumed = await caller.call('POST', `/v1/devboxes/${first}/resume`, '');
    expect(resumed.json.status).toBe('queued');
    await shutdown(caller, second);
    expect((await waitFor(caller, first, 'running', 'failure')).status).toBe('running');
  });

  it('shuts down, and waits for, what is queued', async () => {
    const { caller, host } = await start();
    await runningBox(caller, sized('LARGE'));
    const { json } = await create(caller, sized('SMALL'));
    expect((await shutdown(caller, json.id)).json.status).toBe('shutdown');
    expect(await host.inspect(json.id)).toBeUndefined();
    expect((await caller.call('GET', '/metrics')).json).toContain('berth_devboxes_queued 0');
  });

  it('lets small ones pass a large one for a while, and then no longer', async () => {
    const { caller, newCaller } = await start({ admission: { patienceMs: 400 } });
    const other = await newCaller('other');
    const first = await runningBox(caller, sized('MEDIUM'));
    const large = await create(caller, sized('LARGE'));
    expect(large.json.status).toBe('queued');
    const passing = await create(other, sized('SMALL'));
    await waitFor(other, passing.json.id, 'running');
    await new Promise((resolve) => setTimeout(resolve, 450));
    const late = await create(other, sized('X_SMALL'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await statusOf(other, late.json.id)).toBe('queued');
    await shutdown(caller, first);
    await shutdown(other, passing.json.id);
    expect((await waitFor(caller, large.json.id, 'running', 'failure')).status).toBe('running');
    await shutdown(caller, large.json.id);
    expect((await waitFor(other, late.json.id, 'running', 'failure')).status).toBe('running');
  });

  it('refuses what never fits', async () => {
    const { caller } = await start();
    expect(await create(caller, sized('X_LARGE'))).toMatchObject({ status: 400, json: { code: 'exceedsHost' } });
  });

  it('counts a fork like any other box', async () => {
    const { caller } = await start();
    const source = await runningBox(caller, sized('MEDIUM'));
    const { json } = await caller.call('POST', `/v1/devboxes/${source}/fork`, { count: 2 });
    expect(json.devboxes.map((box: { status: string }) => box.status).toSorted()).toEqual(['provisioning', 'queued']);
    const [one, two] = json.devboxes;
    await waitFor(caller, one.id, 'running');
    expect(await statusOf(caller, two.id)).toBe('queued');
    await shutdown(caller, source);
    expect((await waitFor(caller, two.id, 'running', 'failure')).status).toBe('running');
  });
});

describe('admission by disk', () => {
  it('counts nominal disks, those of suspended boxes too', async () => {
    const host = new SmallHost();
    host.diskFreeGib = 6;
    const { caller } = await start({ admission: { diskOvercommit: 1 } }, host);
    const first = await runningBox(caller, sized('X_SMALL'));
    await caller.call('POST', `/v1/devboxes/${first}/suspend`, '');
    await waitFor(caller, first, 'suspended');
    const { json } = await create(caller, sized('X_SMALL'));
    expect(json).toMatchObject({ status: 'queued', state_transitions: [{ detail: 'waits for disk' }] });
    await shutdown(caller, first);
    await waitFor(caller, json.id, 'running');
  });

  it('starts nothing while the host has no disk to speak of', async () => {
    const host = new SmallHost();
    host.diskFreeGib = 0.5;
    const { caller } = await start({}, host);
    expect((await create(caller, sized('X_SMALL'))).json.status).toBe('queued');
  });
});

describe('start slots', () => {
  it('bound the starts at a time, by turns of the accounts', async () => {
    const started: string[] = [];
    class WatchedHost extends SmallHost {
      override memoryGib = 1_000;
      override async create(spec: Parameters<FakeHost['create']>[0]) {
        started.push(spec.id);
        return super.create(spec);
      }
    }
    const host = new WatchedHost({ startMs: 200 });
    const { caller, newCaller } = await start({ admission: { parallelStarts: 1 } }, host);
    const other = await newCaller('other');
    const wish = sized('X_SMALL');
    const mine = [];
    for (let count = 0; count < 6; count++) {
      mine.push((await create(caller, wish)).json.id);
    }
    const theirs = (await create(other, wish)).json.id;
    await Promise.all(mine.map((id) => waitFor(caller, id, 'running')));
    await waitFor(other, theirs, 'running');
    expect(started.indexOf(theirs)).toBeLessThan(5);
    expect(started.filter((id) => id !== theirs)).toEqual(mine);
  });
});

describe('a restart', () => {
  it('forgets nobody who waits, and nobody who holds', async () => {
    const host = new SmallHost();
    const world = await newWorld(host);
    const life = async (previous?: Awaited<ReturnType<typeof run>>) =>
      run(world, previous, host, { memoryOvercommit: 1 });
    const first = await life();
    await eventually(async () => (await first.caller.call('GET', '/metrics')).json.includes('berth_host_connected 1'));
    const running = await runningBox(first.caller, sized('LARGE'));
    const waiting = [];
    for (const size of ['MEDIUM', 'SMALL', 'LARGE']) {
      waiting.push((await create(first.caller, sized(size))).json);
    }
    expect(waiting.map((box) => box.status)).toEqual(['queued', 'queued', 'queued']);
    await first.kill();
    const second = await life(first);
    await eventually(async () =>
      (await second.caller.call('GET', '/metrics')).json.includes('berth_devboxes_queued 3'),
    );
    expect((await create(second.caller, sized('X_SMALL'))).json.status).toBe('queued');
    await shutdown(second.caller, running);
    await waitFor(second.caller, waiting[0].id, 'running');
    await waitFor(second.caller, waiting[1].id, 'running');
    expect(await statusOf(second.caller, waiting[2].id)).toBe('queued');
  });
});

describe('quotas', () => {
  const limited = (quotas: object) => start({ admission: { quotas: { '*': quotas } } });

  it('bound running boxes, told as 429 that is not worth repeating', async () => {
    const { caller, newCaller } = await limited({ running: 2 });
    const key = { 'x-request-id': 'the first' };
    const first = await caller.call('POST', '/v1/devboxes', sized('X_SMALL'), key);
    await create(caller, sized('X_SMALL'));
    const refused = await create(caller, sized('X_SMALL'));
    expect(refused).toMatchObject({ status: 429, json: { code: 'quotaExceeded', retryable: false } });
    expect(refused.json.message).toContain('quota of 2 running devboxes');
    expect(refused.headers.get('x-should-retry')).toBe('false');
    expect((await caller.call('POST', '/v1/devboxes', sized('X_SMALL'), key)).json.id).toBe(first.json.id);
    const other = await newCaller('other');
    expect((await create(other, sized('X_SMALL'))).status).toBe(200);
    await waitFor(caller, first.json.id, 'running');
    expect((await caller.call('POST', `/v1/devboxes/${first.json.id}/fork`, '')).status).toBe(429);
    await shutdown(caller, first.json.id);
    expect((await create(caller, sized('X_SMALL'))).status).toBe(200);
  });

  it('count suspended boxes by their disk only', async () => {
    const { caller } = await limited({ running: 1, diskGib: 8 });
    const first = await runningBox(caller, sized('X_SMALL'));
    await caller.call('POST', `/v1/devboxes/${first}/suspend`, '');
    await waitFor(caller, first, 'suspended');
    const second = await runningBox(caller, sized('X_SMALL'));
    expect((await caller.call('GET', '/v1/accounts/me/quotas')).json).toMatchObject({
      running_devboxes: { limit: 1, used: 1 },
      memory_gib: { used: 1 },
      disk_gib: { limit: 8, used: 8 },
    });
    const resumed = await caller.call('POST', `/v1/devboxes/${first}/resume`, '');
    expect(resumed).toMatchObject({ status: 429, json: { code: 'quotaExceeded' } });
    expect(await statusOf(caller, first)).toBe('suspended');
    await caller.call('POST', `/v1/devboxes/${second}/suspend`, '');
    await waitFor(caller, second, 'suspended');
    expect((await create(caller, sized('X_SMALL'))).json.message).toContain('GiB of disk');
    expect((await caller.call('POST', `/v1/devboxes/${first}/resume`, '')).status).toBe(200);
  });

  it('bound memory, and are set for one account or for all', async () => {
    const server = await startTestServer({ host: new SmallHost(), admission: { quotas: { '*': { memoryGib: 2 } } } });
    cleanUps.push(() => server.close());
    const caller = await server.newCaller();
    expect((await create(caller, sized('MEDIUM'))).json.message).toContain('GiB of memory');
    expect((await create(caller, sized('SMALL'))).status).toBe(200);
  });
});

describe('evictions (API §6)', () => {
  const flex = (size: string) => sized(size, { provisioning_tier: 'flex' });

  /** The events of the watch, as they come. */
  const watch = async (caller: TestCaller) => {
    const stop = new AbortController();
    const answer = await caller.fetch('/v1/devboxes/evictions/watch', {
      headers: { accept: 'text/event-stream' },
      signal: stop.signal,
    });
    const events: Array<{ devbox_id: string; eviction_deadline_ms: number }> = [];
    const read = async (): Promise<void> => {
      let text = '';
      for await (const chunk of answer.body ?? []) {
        text += Buffer.from(chunk).toString();
        const frames = text.split('\n\n');
        text = frames.pop() ?? '';
        for (const frame of frames.filter((each) => each.startsWith('data: '))) {
          events.push(JSON.parse(frame.slice(6)));
        }
      }
    };
    void read().catch(() => undefined);
    cleanUps.push(async () => stop.abort());
    return events;
  };

  it('give notice of flex boxes that must make room, and suspend them when the time is over', async () => {
    const { caller, newCaller } = await start({ admission: { evictionNoticeMs: 300 } });
    const standard = await newCaller('standard');
    const victim = await runningBox(caller, flex('MEDIUM'));
    const spared = await runningBox(standard, sized('MEDIUM'));
    const early = await watch(caller);
    const { json } = await create(standard, sized('SMALL'));
    expect(json.status).toBe('queued');
    await eventually(() => early.length === 1);
    expect(early[0]).toEqual({ devbox_id: victim, eviction_deadline_ms: expect.any(Number) });
    expect(await statusOf(caller, victim)).toBe('running');
    const late = await watch(caller);
    await eventually(() => late.length === 1);
    expect(late).toEqual(early);
    const foreign = await watch(standard);
    const view = await waitFor(caller, victim, 'suspended', 'failure', 'shutdown');
    expect(view.state_transitions.at(-2)).toMatchObject({ status: 'suspending', detail: 'evicted to make room' });
    expect(view.state_transitions.at(-2).transition_time_ms).toBeGreaterThanOrEqual(
      early[0]?.eviction_deadline_ms ?? 0,
    );
    expect((await waitFor(standard, json.id, 'running', 'failure')).status).toBe('running');
    expect(await statusOf(standard, spared)).toBe('running');
    expect([early.length, late.length, foreign.length]).toEqual([1, 1, 0]);
  });

  it('are called off when room was made meanwhile', async () => {
    const { caller, server } = await start({ admission: { evictionNoticeMs: 300 } });
    const victim = await runningBox(caller, flex('MEDIUM'));
    const other = await runningBox(caller, sized('MEDIUM'));
    const events = await watch(caller);
    const { json } = await create(caller, sized('SMALL'));
    await eventually(() => events.length === 1);
    await shutdown(caller, other);
    await waitFor(caller, json.id, 'running');
    await eventually(async () => {
      const row = await server.parts.database
        .selectFrom('devboxes')
        .select('evict_ms')
        .where('id', '=', victim)
        .executeTakeFirstOrThrow();
      return row.evict_ms === null;
    });
    expect(await statusOf(caller, victim)).toBe('running');
  });

  it('are not for the sake of another flex box, nor where they would not suffice', async () => {
    const { caller, newCaller } = await start({ admission: { evictionNoticeMs: 50 } });
    const other = await newCaller('other');
    const victim = await runningBox(caller, flex('SMALL'));
    await runningBox(caller, sized('MEDIUM'));
    await create(other, flex('MEDIUM'));
    await create(caller, sized('LARGE'));
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(await statusOf(caller, victim)).toBe('running');
  });
});
