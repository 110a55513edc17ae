import { expect, it } from 'vitest';
import { progressText } from './progress.ts';

const mebibyte = 1024 ** 2;

it.each([
  [
    { doneBytes: 256 * mebibyte, totalBytes: 1024 * mebibyte, passedMs: 2_000 },
    'model.bin [######------------------] 25 % 256.0 MiB 128.0 MiB/s, 6.0 s left',
  ],
  [{ doneBytes: 3 * mebibyte, totalBytes: undefined, passedMs: 1_000 }, 'model.bin 3.0 MiB 3.0 MiB/s'],
  [{ doneBytes: 0, totalBytes: 10, passedMs: 1_000 }, 'model.bin [------------------------] 0 % 0 B 0 B/s'],
])('shows bytes, rate and what is left: %j', (at, text) => {
  expect(progressText('model.bin', at)).toBe(text);
});
