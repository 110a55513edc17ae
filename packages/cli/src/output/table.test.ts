import { expect, it } from 'vitest';
import { table } from './table.ts';

it('aligns columns by what is seen, not by colour codes', () => {
  const lines = table(
    ['A', 'LONGER', 'C'],
    [
      ['\u001b[32mgreen\u001b[0m', 'x', 'end'],
      ['a', 'yy', ''],
    ],
  ).split('\n');
  expect(lines).toEqual(['A      LONGER  C', '\u001b[32mgreen\u001b[0m  x       end', 'a      yy']);
});
