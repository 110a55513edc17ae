import { expect, it } from 'vitest';
import { BuildText } from './build-text.ts';

const log = (timestamp_ms: number, message: string, level = 'info') => ({ level, message, timestamp_ms });

it('tells each step, and how long it took once it is over', () => {
  const text = new BuildText();
  const shown = [
    log(1_000, 'STEP 1/2: FROM debian'),
    log(1_200, 'STEP 2/2: RUN make'),
    log(1_300, 'cc -o a a.c'),
  ].flatMap((line) => text.lines(line));
  expect([...shown, ...text.end(4_200), ...text.end(9_999)]).toEqual([
    '[1/2] FROM debian',
    '[1/2] 200 ms',
    '[2/2] RUN make',
    '  cc -o a a.c',
    '[2/2] 3.0 s',
  ]);
});

it('takes what would steer the terminal out of what a build prints', () => {
  const text = new BuildText();
  expect(text.lines(log(0, '\u001b[31mred\u001b[0m\u001b[2J\u0007 \u009b1mand\r on'))).toEqual(['  red 1mand on']);
});
