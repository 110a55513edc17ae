import { describe, expect, it } from 'vitest';
import { formatBytes, formatDuration, parseSeconds } from './quantities.ts';

describe('formatDuration', () => {
  it.each([
    [0, '0 ms'],
    [999.4, '999 ms'],
    [1_000, '1.0 s'],
    [59_940, '59.9 s'],
    [245_000, '4 min 05 s'],
    [7_260_000, '2 h 01 min'],
  ])('%d ms is %s', (durationMs, text) => {
    expect(formatDuration(durationMs)).toBe(text);
  });
});

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_024, '1.0 KiB'],
    [5 * 1024 ** 3, '5.0 GiB'],
    [3 * 1024 ** 5, '3072.0 TiB'],
  ])('%d is %s', (sizeBytes, text) => {
    expect(formatBytes(sizeBytes)).toBe(text);
  });
});

describe('parseSeconds', () => {
  it.each([
    ['90', 90],
    ['1.5s', 1.5],
    ['250ms', 0.25],
    ['5m', 300],
    ['2h', 7_200],
    ['30d', 2_592_000],
    ['2w', 1_209_600],
  ])('%s is %d s', (text, seconds) => {
    expect(parseSeconds(text)).toBe(seconds);
  });

  it.each(['', 'm', '-5', '5 days', '1e3'])('refuses %j', (text) => {
    expect(() => parseSeconds(text)).toThrow(/not a duration/);
  });
});
