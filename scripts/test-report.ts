import { readFileSync } from 'node:fs';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: ReadonlyArray<{
    readonly name: string;
    readonly assertionResults: ReadonlyArray<{ readonly status: string; readonly fullName: string }>;
  }>;
}

/**
 * `test-report.ts REPORT [FILE…]`: prints how many tests of vitest's JSON report passed and failed. One that was left out has failed, and is
 * named on stderr, unless it stands in one of the files, whose tests run only when asked for.
 */
const [path = '', ...onlyWhenAsked] = process.argv.slice(2);
const report = JSON.parse(readFileSync(path, 'utf8')) as Report;
const leftOut = report.testResults
  .filter(({ name }) => !onlyWhenAsked.some((file) => name.endsWith(file)))
  .flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'skipped' || status === 'pending' || status === 'todo')
      .map(({ fullName }) => `left out: ${name}: ${fullName}`),
  );
for (const line of leftOut) {
  console.error(line);
}
console.log(report.numPassedTests, report.numFailedTests + leftOut.length);
