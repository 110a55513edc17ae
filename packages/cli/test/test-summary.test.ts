import { describe, expect, it } from 'vitest';
import { type Report, summarize } from '../../../scripts/test-summary.ts';

const file = (name: string, tests: Record<string, string>, status = 'passed'): Report['testResults'][number] => ({
  name,
  status: Object.values(tests).includes('failed') ? 'failed' : status,
  assertionResults: Object.entries(tests).map(([fullName, result]) => ({ fullName, status: result })),
});
const report = (...testResults: Report['testResults']): Report => ({ testResults });

describe('the summary of a test run', () => {
  it('counts what passed, and takes what was left out for failed', () => {
    const first = report(
      file('/a.test.ts', { one: 'passed', two: 'failed' }),
      file('/b.test.ts', { three: 'skipped' }),
      file('/c.test.ts', { four: 'passed' }),
    );
    expect(summarize(first, undefined, [])).toEqual({
      passed: 2,
      bad: ['/a.test.ts: two', '/b.test.ts: three (left out)'],
      unsteady: [],
      repeat: ['/a.test.ts', '/b.test.ts'],
    });
  });

  it('lets tests be left out where they run only when asked for', () => {
    const first = report(file('/x/b.test.ts', { three: 'skipped' }));
    expect(summarize(first, undefined, ['x/b.test.ts'])).toMatchObject({ passed: 0, bad: [], repeat: [] });
  });

  it('counts a file that fails as a whole', () => {
    const first = report(file('/a.test.ts', {}, 'failed'), file('/b.test.ts', { one: 'passed' }, 'failed'));
    expect(summarize(first, undefined, [])).toMatchObject({ passed: 1, bad: ['/a.test.ts', '/b.test.ts'] });
  });

  it('takes what came of files that were run again, and names what passed only then', () => {
    const first = report(
      file('/a.test.ts', { one: 'passed', two: 'failed', three: 'failed' }),
      file('/b.test.ts', { four: 'passed' }),
    );
    const again = report(file('/a.test.ts', { one: 'failed', two: 'passed', three: 'failed' }));
    expect(summarize(first, again, [])).toEqual({
      passed: 2,
      bad: ['/a.test.ts: one', '/a.test.ts: three'],
      unsteady: ['/a.test.ts: two'],
      repeat: ['/a.test.ts'],
    });
  });

  it('keeps what failed when nothing was run again', () => {
    const first = report(file('/a.test.ts', { one: 'failed' }));
    expect(summarize(first, report(), [])).toMatchObject({ bad: ['/a.test.ts: one'], unsteady: [] });
  });

  it('keeps the projects of one file apart', () => {
    const first = report(file('/a.test.ts', { one: 'passed' }), file('/a.test.ts', { one: 'failed' }));
    const again = report(file('/a.test.ts', { one: 'passed' }), file('/a.test.ts', { one: 'passed' }));
    expect(summarize(first, again, [])).toMatchObject({ passed: 2, bad: [], unsteady: ['/a.test.ts: one'] });
  });
});
