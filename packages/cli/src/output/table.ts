import { bold, visibleLength } from './style.ts';

/** Lines of a table with left-aligned columns; the last column is not padded. */
export const table = (headings: readonly string[], rows: ReadonlyArray<readonly string[]>): string => {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => visibleLength(row[column] ?? ''))),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        column === headings.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - visibleLength(cell)),
      )
      .join('  ')
      .trimEnd();
  return [bold(line(headings)), ...rows.map(line)].join('\n');
};
