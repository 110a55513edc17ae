import { formatDuration } from '../output/quantities.ts';
import { green, red } from '../output/style.ts';
import { table } from '../output/table.ts';
import type { AttemptReport } from './attempt.ts';

const longestCell = 60;

/** The table a run ends with. */
export const runTable = (reports: readonly AttemptReport[]): string =>
  table(
    ['BOX', 'REPO', 'START', 'RUN', 'EXIT', 'RESULT'],
    reports.map((report) => [
      report.devboxId ?? '-',
      report.repository ?? '',
      report.startMs === undefined ? '-' : `${report.startMs} ms`,
      report.runMs === undefined ? '-' : formatDuration(report.runMs),
      exitCell(report),
      resultCell(report),
    ]),
  );

/** All boxes came to their end by themselves, with exit status 0. */
export const allSucceeded = (reports: readonly AttemptReport[]): boolean =>
  reports.every(({ outcome, exitStatus }) => outcome === 'exited' && exitStatus === 0);

const exitCell = ({ outcome, exitStatus }: AttemptReport): string => {
  if (outcome !== 'exited') {
    return red(outcome);
  }
  return (exitStatus === 0 ? green : red)(String(exitStatus ?? '?'));
};

const resultCell = ({ result, problem }: AttemptReport): string => {
  const text = (result === undefined ? (problem ?? '-') : summary(result)).replace(/\s+/g, ' ').trim();
  return text.length > longestCell ? `${text.slice(0, longestCell - 1)}…` : text;
};

/** A JSON result that says of itself what matters (`summary`) is shown by that; any other by its beginning. */
const summary = (result: string): string => {
  const parsed = parseResult(result);
  if (typeof parsed === 'object' && parsed !== null && 'summary' in parsed && typeof parsed.summary === 'string') {
    return parsed.summary;
  }
  return result;
};

/** The value of a JSON result, or the text itself. */
export const parseResult = (result: string): unknown => {
  try {
    return JSON.parse(result);
  } catch {
    return result;
  }
};

/** What `berth run --json` prints for one box. */
export const reportJson = ({ result, ...report }: AttemptReport): Record<string, unknown> => ({
  ...report,
  ...(result === undefined ? {} : { result: parseResult(result) }),
});
