import { describe, expect, it } from 'vitest';
import { beginSuspend, untilResumed, untilSuspended } from '../src/devboxes/suspension.ts';
import { devboxView } from './devbox-views.ts';
import { scriptedApi } from './scripted-api.ts';

const suspended = devboxView({ status: 'suspended' });
const provisioning = devboxView({
  status: 'provisioning',
  state_transitions: [...suspended.state_transitions, { status: 'provisioning', transition_time_ms: 3_000 }],
});

describe('suspending', () => {
  it.each([
    [true, { memory: true }],
    [false, { memory: false }],
    [undefined, {}],
  ])('with memory %s sends %j', async (memory, body) => {
    await using api = await scriptedApi(() => [200, suspended]);
    await beginSuspend(api.client, 'dbx_1', memory);
    expect(api.seen).toEqual([{ method: 'POST', path: '/v1/devboxes/dbx_1/suspend', query: {}, body }]);
  });

  it('waits through time-outs, and fails with the reason when the box ends instead', async () => {
    const answers = [
      [408, { message: 'not yet' }],
      [200, devboxView({ status: 'failure', failure_reason: 'out_of_disk' })],
    ] as const;
    await using api = await scriptedApi(() => answers[api.seen.length - 1] ?? [500, {}]);
    await expect(untilSuspended(api.client, 'dbx_1')).rejects.toThrow(/is failure: out_of_disk/);
  });
});

describe('resuming', () => {
  it('fails when the box is suspended again, with the cause', async () => {
    const again = {
      ...provisioning,
      status: 'suspended' as const,
      state_transitions: [
        ...provisioning.state_transitions,
        { status: 'suspended' as const, transition_time_ms: 4_000, detail: 'the checkpoint is damaged' },
      ],
    };
    await using api = await scriptedApi(({ method }) => (method === 'POST' ? [408, {}] : [200, again]));
    await expect(untilResumed(api.client, provisioning)).rejects.toMatchObject({
      message: expect.stringContaining('the checkpoint is damaged'),
      hint: expect.stringContaining('--no-memory'),
    });
  });

  it('goes on waiting while it is under way', async () => {
    let waits = 0;
    await using api = await scriptedApi(({ method }) => {
      if (method === 'GET') {
        return [200, provisioning];
      }
      waits += 1;
      return waits < 3 ? [408, {}] : [200, devboxView()];
    });
    expect((await untilResumed(api.client, provisioning)).status).toBe('running');
  });
});
