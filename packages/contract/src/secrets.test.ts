import { expect, it } from 'vitest';
import { secretCreate, secretUpdate } from './secrets.ts';

it.each(['', 'one\ntwo', 'ü € 𝄞', 'x'.repeat(65_536)])(
  'takes a value that a process can have as a variable',
  (value) => {
    expect(secretCreate.safeParse({ name: 'a', value }).data?.value).toBe(value);
    expect(secretUpdate.safeParse({ value }).data?.value).toBe(value);
  },
);

it.each([
  ['a NUL byte, with which no command of a box would start', 'a\0b'],
  ['half a character, which would be stored as another', 'a\ud800'],
  ['too long', 'x'.repeat(65_537)],
])('refuses a value with %s', (_what, value) => {
  expect(secretCreate.safeParse({ name: 'a', value }).success).toBe(false);
  expect(secretUpdate.safeParse({ value }).success).toBe(false);
});
