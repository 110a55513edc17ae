import type { ExecutionView } from '@berth/host/contract';
import { describe, expect, it } from 'vitest';
import { storableDetail } from '../../src/devboxes/transition.ts';
import { executionDetailView, exitStatus } from '../../src/executions/view.ts';
import { entrypointEnd, launchFailure, stopped } from '../../src/reconciler/causes.ts';

const view = (end: ExecutionView['end'], stderr = '', stdout = ''): ExecutionView => ({
  executionId: 'setup-0',
  status: end === undefined ? 'running' : 'completed',
  startedMs: 1,
  ...(end === undefined ? {} : { end }),
  stdoutBytes: 0,
  stderrBytes: 0,
  stdout: { text: stdout, truncated: false },
  stderr: { text: stderr, truncated: false },
});

describe('causes', () => {
  it('name the host when it no longer knows the box', () => {
    expect(stopped(undefined)).toMatchObject({ to: 'failure', reason: 'health_check_failed' });
    expect(stopped({ id: 'x', phase: 'stopped', isolation: 'container' })).toMatchObject({ detail: 'host_lost' });
  });

  it('quote the error of a launch command, its output when there is none, and never too much', () => {
    const exited = { kind: 'exited', code: 2 } as const;
    expect(launchFailure(1, view(exited, 'bad\n', 'out'))).toMatchObject({
      detail: 'launch command 1 exited with 2: bad',
    });
    expect(launchFailure(3, view(exited, '', 'out\n'))).toMatchObject({
      detail: 'launch command 3 exited with 2: out',
    });
    const long = launchFailure(1, view(exited, 'x'.repeat(50_000)));
    expect('detail' in long && long.detail?.length).toBeLessThan(1_100);
    const killed = launchFailure(1, view({ kind: 'killed', signal: 9, by: 'out_of_memory' }));
    expect(killed).toMatchObject({
      reason: 'out_of_memory',
      detail: 'launch command 1 was killed by signal 9 (out_of_memory)',
    });
  });

  it('take a lost entrypoint for a failure, any other end for a shutdown', () => {
    expect(entrypointEnd(view({ kind: 'lost', reason: 'x' }))).toMatchObject({ to: 'failure' });
    expect(entrypointEnd(view({ kind: 'exited', code: 1 }))).toMatchObject({
      to: 'shutdown',
      reason: 'entrypoint_exit',
    });
  });

  it('are made fit for a row', () => {
    expect(storableDetail(`a\0b\ud800${'x'.repeat(5_000)}`)).toHaveLength(1_999);
    expect(storableDetail('a\0b\ud800')).toBe('ab\ufffd');
  });
});

describe('exit status', () => {
  it.each([
    [{ kind: 'exited', code: 0 }, 0],
    [{ kind: 'exited', code: 255 }, 255],
    [{ kind: 'killed', signal: 15, by: 'box' }, 143],
    [{ kind: 'lost', reason: 'x' }, null],
    [undefined, null],
  ] as const)('of %j is %j', (end, status) => {
    expect(exitStatus(end)).toBe(status);
  });

  it('is never invented for the form that needs one', () => {
    expect(() => executionDetailView('dbx', view({ kind: 'lost', reason: 'box died' }))).toThrow('box died');
  });
});
