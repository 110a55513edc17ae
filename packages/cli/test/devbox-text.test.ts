import { describe, expect, it } from 'vitest';
import { devboxText, lifeText } from '../src/devboxes/devbox-text.ts';
import { forkedText } from '../src/devboxes/fork.ts';
import { devboxTable, livingStatuses } from '../src/devboxes/view.ts';
import { devboxView } from './devbox-views.ts';

const line = (text: string, label: string): string | undefined =>
  text
    .split('\n')
    .find((one) => one.startsWith(label.padEnd(11)))
    ?.slice(11);

describe('a box shown whole', () => {
  it('has size, isolation, source and the reason of its end', () => {
    const text = devboxText(
      devboxView({
        name: 'desk',
        status: 'failure',
        failure_reason: 'out_of_memory',
        end_time_ms: 5_000,
        snapshot_id: 'snp_1',
        launch_parameters: { resource_size_request: 'LARGE', isolation: 'gvisor' },
        state_transitions: [
          { status: 'provisioning', transition_time_ms: 1_000 },
          { status: 'failure', transition_time_ms: 5_000, detail: 'python3 took it all' },
        ],
      }),
    );
    expect(text).toMatch(/^dbx_0+1 desk\n/);
    expect(line(text, 'status')).toBe('failure out_of_memory: python3 took it all');
    expect(line(text, 'size')).toBe('LARGE: 2 CPU, 8 GiB memory, 16 GiB disk');
    expect(line(text, 'isolation')).toBe('gvisor');
    expect(line(text, 'snapshot')).toBe('snp_1');
    expect(line(text, 'ended')).toBe('1970-01-01T00:00:05.000Z');
  });

  it('has what the box takes now', () => {
    const use = {
      processes: 3,
      memory_used_bytes: 2 ** 20,
      memory_limit_bytes: 2 ** 31,
      disk_used_bytes: 5 * 2 ** 20,
      disk_limit_bytes: 2 ** 32,
    };
    expect(line(devboxText(devboxView(), use), 'uses')).toBe(
      '1.0 MiB of 2.0 GiB memory, 5.0 MiB of 4.0 GiB disk, 3 processes',
    );
  });

  it('says of a fork whose it is, and how long that one stood still', () => {
    expect(line(devboxText(devboxView({ forked_from: 'dbx_0' })), 'forked')).toBe('from dbx_0');
    const known = devboxView({ forked_from: 'dbx_0', source_pause_ms: 84 });
    expect(line(devboxText(known), 'forked')).toBe('from dbx_0, which stood still for 84 ms');
    expect(forkedText([known], 1_200)).toBe('it runs after 1.2 s; the source stood still for 84 ms');
    expect(forkedText([devboxView(), devboxView()], 1_200)).toBe('all 2 run after 1.2 s');
  });

  it('leaves out what it has not', () => {
    const text = devboxText(devboxView());
    for (const label of ['uses', 'snapshot', 'forked', 'blueprint', 'ended', 'metadata']) {
      expect(line(text, label)).toBeUndefined();
    }
  });
});

describe('what ends or parks a box', () => {
  it.each([
    [{ keep_alive_time_seconds: 3_600 }, 'shut down after 1 h 00 min'],
    [{ after_idle: { idle_time_seconds: 90, on_idle: 'shutdown' } }, 'shut down when idle for 1 min 30 s'],
    [
      { lifecycle: { after_idle: { idle_time_seconds: 600, on_idle: 'suspend' }, suspend_memory: true } },
      'suspended with its processes when idle for 10 min 00 s',
    ],
    [{}, ''],
  ])('%j: %s', (parameters, text) => {
    expect(lifeText(parameters)).toBe(text);
  });
});

describe('the list', () => {
  it('shows how long a box has been suspended or queued', () => {
    const since = Date.now() - 65_000;
    const rows = devboxTable(
      (['suspended', 'queued', 'running'] as const).map((status) =>
        devboxView({ status, state_transitions: [{ status, transition_time_ms: since }] }),
      ),
    ).split('\n');
    expect(rows[1]).toMatch(/suspended 1 min 0\d s {2}container {2}SMALL/);
    expect(rows[2]).toMatch(/queued 1 min 0\d s/);
    expect(rows[3]).toMatch(/running {2}/);
  });

  it('counts as living whatever has not ended', () => {
    expect(livingStatuses).toEqual(
      expect.arrayContaining(['queued', 'running', 'suspending', 'suspended', 'resuming']),
    );
    expect(livingStatuses).not.toEqual(expect.arrayContaining(['shutdown']));
    expect(livingStatuses).not.toContain('failure');
  });
});
