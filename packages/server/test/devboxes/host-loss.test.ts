import { type BoxSpec, HostError } from '@berth/host/contract';
import { FakeHost } from '@berth/host/fake';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevboxServer, eventually, execute, runningBox, startDevboxServer, waitFor } from './kit.ts';

/** What the next creates fail with, before they are tried. */
const createFailures: HostError[] = [];

class RefusingHost extends FakeHost {
  override async create(spec: BoxSpec) {
    const failure = createFailures.shift();
    if (failure !== undefined) {
      throw failure;
    }
    return super.create(spec);
  }
}

let server: DevboxServer;
beforeAll(async () => {
  server = await startDevboxServer({ host: new RefusingHost() });
});
afterAll(() => server.close());

describe('while the host is away', () => {
  it('answers 503 that may be retried, keeps statuses, lets creates wait, and goes on when it is back', async () => {
    const { host, caller } = server;
    const id = await runningBox(caller);
    host.setUnreachable(true);
    const refused = await caller.call('POST', `/v1/devboxes/${id}/execute`, { command: 'true' });
    expect(refused).toMatchObject({ status: 503, json: { code: 'hostUnavailable', retryable: true } });
    expect(refused.headers.get('x-should-retry')).not.toBe('false');
    const created = await caller.call('POST', '/v1/devboxes', { name: 'waits' });
    expect(created).toMatchObject({ status: 200, json: { status: 'provisioning' } });
    const doomed = await runningBoxStatus(id);
    expect(doomed).toBe('running');
    host.setUnreachable(false);
    await waitFor(caller, created.json.id, 'running');
    expect((await execute(caller, id, 'echo back')).stdout).toBe('back\n');
  });

  it('accepts a shutdown at once and destroys the box later', async () => {
    const { host, caller } = server;
    const id = await runningBox(caller);
    host.setUnreachable(true);
    expect((await caller.call('POST', `/v1/devboxes/${id}/shutdown`, '')).json.status).toBe('shutdown');
    host.setUnreachable(false);
    await eventually(async () => (await host.inspect(id))?.phase === 'destroyed');
  });

  it('shuts down a box that was never made without asking the host for it', async () => {
    const { host, caller } = server;
    host.setUnreachable(true);
    const { json } = await caller.call('POST', '/v1/devboxes', {});
    expect((await caller.call('POST', `/v1/devboxes/${json.id}/shutdown`, '')).json.status).toBe('shutdown');
    host.setUnreachable(false);
    await eventually(async () => {
      const state = await host.inspect(json.id);
      return state === undefined || state.phase === 'destroyed';
    });
    expect((await caller.call('GET', `/v1/devboxes/${json.id}/logs`)).json).toEqual({ logs: [] });
  });
});

const runningBoxStatus = async (id: string): Promise<string> =>
  (await server.caller.call('GET', `/v1/devboxes/${id}`)).json.status;

describe('a box that dies', () => {
  it.each([
    ['out_of_memory', 'out_of_memory'],
    ['out_of_disk', 'out_of_disk'],
    ['guest_exited', 'health_check_failed'],
    ['protocol_breach', 'health_check_failed'],
    ['runtime_failed', 'execution_failed'],
  ] as const)('fails with the cause %s as %s', async (cause, reason) => {
    const { host, caller } = server;
    const id = await runningBox(caller);
    const started = await caller.call('POST', `/v1/devboxes/${id}/execute_async`, { command: 'sleep infinity' });
    host.loseBox(id, cause, 'of this');
    const view = await waitFor(caller, id, 'failure', 'shutdown');
    expect(view).toMatchObject({ status: 'failure', failure_reason: reason });
    expect(view.state_transitions.at(-1)).toMatchObject({ failure_reason: reason, detail: `${cause}: of this` });
    await eventually(async () => (await host.inspect(id))?.phase === 'destroyed');

    const lost = await caller.call('GET', `/v1/devboxes/${id}/executions/${started.json.execution_id}`);
    expect(lost.json).toMatchObject({
      status: 'completed',
      exit_status: null,
      end: { kind: 'lost', reason: 'of this' },
    });
  });

  it('fails with the cause of the box, not that of its launch command', async () => {
    const { host, caller } = server;
    const { json } = await caller.call('POST', '/v1/devboxes', {
      launch_parameters: { launch_commands: ['sleep infinity'] },
    });
    await eventually(async () =>
      host.execution(json.id, 'setup-0', 0).then(
        () => true,
        () => false,
      ),
    );
    host.loseBox(json.id, 'out_of_memory', 'too much');
    const view = await waitFor(caller, json.id, 'failure', 'running');
    expect(view).toMatchObject({ failure_reason: 'out_of_memory' });
  });

  it('fails when the host has lost it without a word', async () => {
    const { host, caller } = server;
    const id = await runningBox(caller);
    const rest = await runningBox(caller);
    host.setUnreachable(true);
    host.setUnreachable(false);
    await host.destroy(id);
    await host.forget(id);
    host.dropConnection();
    const view = await waitFor(caller, id, 'failure');
    expect(view).toMatchObject({ failure_reason: 'health_check_failed' });
    expect(await runningBoxStatus(rest)).toBe('running');
  });
});

describe('creates that fail', () => {
  const create = async () => {
    const { json } = await server.caller.call('POST', '/v1/devboxes', {});
    return waitFor(server.caller, json.id, 'running', 'failure');
  };
  const passing = new HostError('internal', 'try later', { retryable: true });

  it('are tried again while the host is away, and when it may pass', async () => {
    createFailures.push(new HostError('hostUnavailable', 'gone'), passing, passing, passing);
    expect(await create()).toMatchObject({ status: 'running' });
    expect(createFailures).toEqual([]);
  });

  it('are given up after some attempts', async () => {
    // An attempt during which the box was to be looked at anyway, as all are when the host is back, is not counted.
    const most = 50;
    createFailures.push(...Array.from({ length: most }, () => passing));
    const view = await create();
    const attempts = most - createFailures.splice(0).length;
    expect(view).toMatchObject({ status: 'failure', failure_reason: 'execution_failed' });
    expect(view.state_transitions.at(-1).detail).toBe('the host cannot make the devbox: try later');
    expect(attempts).toBeGreaterThanOrEqual(5);
    expect(attempts).toBeLessThan(most);
  });

  it('are given up at once when repeating cannot help', async () => {
    createFailures.push(new HostError('imageUnavailable', 'no image'));
    expect(await create()).toMatchObject({ status: 'failure', failure_reason: 'execution_failed' });
  });
});

describe('a burst of creates', () => {
  it('brings all of them up, those of two accounts in turn', async () => {
    const other = await server.newCaller('other');
    const many = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        (index % 2 === 0 ? server.caller : other).call('POST', '/v1/devboxes', {}),
      ),
    );
    const views = await Promise.all(
      many.map(({ json }, index) => waitFor(index % 2 === 0 ? server.caller : other, json.id, 'running', 'failure')),
    );
    expect(new Set(views.map((view) => view.status))).toEqual(new Set(['running']));
  });
});
