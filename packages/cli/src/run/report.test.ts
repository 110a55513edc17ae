import type { ExecutionView } from '@berth/contract';
import { describe, expect, it } from 'vitest';
import { gatherFindings } from '../quickstart/findings.ts';
import { outcomeOf } from './attempt.ts';
import { allSucceeded, reportJson, runTable } from './report.ts';

const execution = (change: Partial<ExecutionView>): ExecutionView => ({
  devbox_id: 'dbx_1',
  execution_id: 'e',
  status: 'completed',
  exit_status: 0,
  shell_name: null,
  stdout: '',
  stderr: '',
  stdout_truncated: false,
  stderr_truncated: false,
  ...change,
});

describe('outcomeOf', () => {
  it('keeps the ways to end apart', () => {
    expect(outcomeOf(execution({ exit_status: 3 }))).toEqual({ outcome: 'exited', exitStatus: 3 });
    expect(outcomeOf(execution({ exit_status: 137, end: { kind: 'killed', signal: 9, by: 'out_of_memory' } }))).toEqual(
      {
        outcome: 'killed',
        exitStatus: 137,
        problem: 'out of memory',
      },
    );
    expect(outcomeOf(execution({ exit_status: null, end: { kind: 'lost', reason: 'guest died' } }))).toEqual({
      outcome: 'lost',
      problem: 'guest died',
    });
  });
});

describe('reports', () => {
  const good = {
    index: 0,
    repository: 'a',
    outcome: 'exited',
    exitStatus: 0,
    result: '{"summary": "2 findings"}',
  } as const;
  const bad = { index: 1, repository: 'b', outcome: 'box_failed', problem: 'no\nspace' } as const;

  it('succeed only when every agent ended with 0', () => {
    expect(allSucceeded([good])).toBe(true);
    expect(allSucceeded([good, bad])).toBe(false);
    expect(allSucceeded([{ ...good, exitStatus: 1 }])).toBe(false);
    expect(allSucceeded([{ ...good, outcome: 'timeout' }])).toBe(false);
  });

  it('show the summary of a JSON result, or the problem, on one line each', () => {
    const lines = runTable([good, bad]).split('\n');
    expect(lines[1]).toMatch(/2 findings$/);
    expect(lines[2]).toMatch(/box_failed +no space$/);
  });

  it('carry JSON results as values and other results as text', () => {
    expect(reportJson(good)['result']).toEqual({ summary: '2 findings' });
    expect(reportJson({ ...good, result: 'plain' })['result']).toBe('plain');
  });
});

describe('gatherFindings', () => {
  const finding = { file: 'a.py', line: 1, cwe: 'CWE-78', title: 't', evidence: 'e', tools: ['x'] };

  it('orders by severity and skips what has not the form', () => {
    const result = JSON.stringify({
      findings: [{ ...finding, severity: 'low' }, { ...finding, severity: 'high' }, { line: 'x' }, null],
    });
    const found = gatherFindings([
      { index: 0, repository: 'r', outcome: 'exited', result },
      { index: 1, repository: 's', outcome: 'exited', result: 'no JSON' },
      { index: 2, outcome: 'lost' },
    ]);
    expect(found.map(({ severity, target }) => [severity, target])).toEqual([
      ['high', 'r'],
      ['low', 'r'],
    ]);
  });
});
