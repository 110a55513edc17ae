import { expect, it } from 'vitest';
import { explainExit } from '../../src/local/stop-cause.ts';

it.each([
  ['a kill by the kernel', 9, 1, 'out_of_memory', /memory/],
  ['a kill by somebody', 9, 0, 'guest_exited', /signal 9/],
  ['another signal after a process was killed', 11, 3, 'guest_exited', /signal 11/],
  ['an exit', 256 * 4, 1, 'guest_exited', /code 4/],
  ['an end that nobody saw', null, 1, 'guest_exited', /nobody/],
] as const)('explains %s', (_what, waitStatus, oomKills, cause, detail) => {
  expect(explainExit(waitStatus, oomKills)).toEqual({ cause, detail: expect.stringMatching(detail) });
});
