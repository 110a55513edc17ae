import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Report, summarize } from './test-summary.ts';

/**
 * `test-report.ts REPORT [--again REPORT] [--asked FILE]…`: what vitest's JSON report says, a fact a line: `passed N`, `failed N`, `repeat FILE` for each file
 * that has failures, `bad NAME` for each test that failed or was left out, `unsteady NAME` for each that passed only in the report of `--again`, which has those files once more.
 * Tests of the files of `--asked` may be left out.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { again: { type: 'string' }, asked: { type: 'string', multiple: true } },
});
const read = (path: string): Report => JSON.parse(readFileSync(path, 'utf8')) as Report;
const summary = summarize(
  read(positionals[0] ?? ''),
  values.again === undefined ? undefined : read(values.again),
  values.asked ?? [],
);
const lines = [
  `passed ${summary.passed}`,
  `failed ${summary.bad.length}`,
  ...summary.repeat.map((file) => `repeat ${file}`),
  ...summary.bad.map((name) => `bad ${name}`),
  ...summary.unsteady.map((name) => `unsteady ${name}`),
];
console.log(lines.join('\n'));
