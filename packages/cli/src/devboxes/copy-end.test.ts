import { expect, it } from 'vitest';
import { parseCopyEnd, pathWord } from './copy-end.ts';

it.each([
  ['dbx_31CYd5LLFbBxst8mqnUjO:/tmp/a', { devbox: 'dbx_31CYd5LLFbBxst8mqnUjO', path: '/tmp/a' }],
  ['dbx_31CYd5LLFbBxst8mqnUjO:', { devbox: 'dbx_31CYd5LLFbBxst8mqnUjO', path: '.' }],
  ['dbx_31CYd5LLFbBxst8mqnUjO:a:b', { devbox: 'dbx_31CYd5LLFbBxst8mqnUjO', path: 'a:b' }],
  ['./dbx_1:2', { path: './dbx_1:2' }],
  ['desk:/tmp/a', { devbox: 'desk', path: '/tmp/a' }],
  ['my desk:~/a', { devbox: 'my desk', path: '~/a' }],
  ['./desk:a', { path: './desk:a' }],
  ['/tmp/desk:a', { path: '/tmp/desk:a' }],
  ['report.csv', { path: 'report.csv' }],
])('%s', (text, end) => {
  expect(parseCopyEnd(text)).toEqual(end);
});

it.each([
  ['~', '"$HOME"'],
  ["~/it's", `"$HOME"/'it'\\''s'`],
  ['/a b', "'/a b'"],
  ['~user', "'~user'"],
])('%s as a word', (path, word) => {
  expect(pathWord(path)).toBe(word);
});
