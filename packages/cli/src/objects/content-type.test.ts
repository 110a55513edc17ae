import { expect, it } from 'vitest';
import { contentTypeOf } from './content-type.ts';

it.each([
  ['a.tar.gz', 'tgz'],
  ['A.TGZ', 'tgz'],
  ['a.tar', 'tar'],
  ['a.gz', 'gzip'],
  ['notes.md', 'text'],
  ['data.json', 'text'],
  ['program', 'binary'],
  ['picture.png', 'binary'],
  ['tar', 'binary'],
])('%s is taken for %s', (name, type) => {
  expect(contentTypeOf(name)).toBe(type);
});
