import type { LogEntryView } from '@berth/contract';
import { expect, it } from 'vitest';
import { unsent } from '../../src/logs/unsent.ts';

const entry = (number: number): LogEntryView => ({ level: 'info', source: 'exec', timestamp_ms: number, message: 'x' });
const log = (from: number, to: number): LogEntryView[] =>
  Array.from({ length: to - from }, (_, index) => entry(from + index));
const sent = (entries: readonly LogEntryView[]) => ({ count: entries.length, last: entries.at(-1) });

it.each([
  ['nothing was sent', log(0, 0), log(0, 5), log(0, 5)],
  ['following began with all there was', log(0, 3), log(0, 5), log(3, 5)],
  ['following began late in a long log', log(10, 13), log(0, 15), log(13, 15)],
  ['everything was sent', log(10, 15), log(0, 15), []],
  ['more was sent than is told at once', log(0, 30), log(12, 32), log(30, 32)],
  ['more was written than is told at once', log(0, 5), log(12, 32), log(12, 32)],
])('the rest of a log: %s', (_title, before, entries, rest) => {
  expect(unsent(entries, 20, sent(before))).toEqual(rest);
});

it('leaves out none of the lines that are alike', () => {
  const alike = [entry(1), entry(1), entry(1), entry(1)];
  expect(unsent(alike, 20, sent(alike.slice(0, 2)))).toHaveLength(2);
});
