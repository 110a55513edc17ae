/** What is read of a report that vitest's JSON reporter writes. */
export interface Report {
  readonly testResults: readonly FileResult[];
}

interface FileResult {
  /** Path of the file. It stands there once for each project that has it. */
  readonly name: string;
  readonly status: string;
  readonly assertionResults: ReadonlyArray<{ readonly status: string; readonly fullName: string }>;
}

export interface Summary {
  readonly passed: number;
  /** Names of tests that failed or were left out; of a file that failed as a whole, that of the file. */
  readonly bad: readonly string[];
  /** Names of tests that were bad at first and passed when their file was run again. */
  readonly unsteady: readonly string[];
  /** Files that have any that are bad. */
  readonly repeat: readonly string[];
}

/**
 * Counts tests. A test that was left out counts as failed, unless it is in a file whose name ends with one of `asked`. Where some files were run `again`, what
 * came of them then stands.
 */
export const summarize = (first: Report, again: Report | undefined, asked: readonly string[]): Summary => {
  const isAsked = ({ name }: FileResult): boolean => asked.some((file) => name.endsWith(file));
  const badOf = (file: FileResult): string[] => {
    const bad = file.assertionResults
      .filter(({ status }) => status === 'failed' || (status !== 'passed' && !isAsked(file)))
      .map(({ status, fullName }) => `${file.name}: ${fullName.trim()}${status === 'failed' ? '' : ' (left out)'}`);
    return bad.length === 0 && file.status === 'failed' ? [file.name] : bad;
  };
  const repeated = new Set(again?.testResults.map(({ name }) => name));
  const standing = [...first.testResults.filter(({ name }) => !repeated.has(name)), ...(again?.testResults ?? [])];
  const bad = standing.flatMap(badOf);
  const stillBad = new Set(bad);
  return {
    passed: standing.flatMap((file) => file.assertionResults).filter(({ status }) => status === 'passed').length,
    bad,
    unsteady: first.testResults
      .filter(({ name }) => repeated.has(name))
      .flatMap(badOf)
      .filter((name) => !stillBad.has(name)),
    repeat: [...new Set(standing.filter((file) => badOf(file).length > 0).map(({ name }) => name))],
  };
};
