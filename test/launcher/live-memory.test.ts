import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LaunchedBerth } from './berth.ts';

let berth: LaunchedBerth;
/** Why memory cannot be kept here; empty where it can. */
let unusable = '';
beforeAll(async () => {
  berth = await LaunchedBerth.prepare();
  await berth.output('up', '--detach');
  const { isolations } = JSON.parse(await berth.output('status', '--json')) as {
    isolations: Array<{ isolation: string; usable: boolean }>;
  };
  if (!isolations.some(({ isolation, usable }) => isolation === 'gvisor' && usable)) {
    unusable = 'gvisor is not usable here';
    return;
  }
  await berth.output('devbox', 'create', '--isolation', 'gvisor', '--name', 'counter');
  const attempt = await berth.run(['devbox', 'suspend', '--memory', 'counter']);
  if (attempt.stderr.includes('cannot keep their memory on this host')) {
    unusable = 'this host keeps no memory';
  } else {
    await berth.output('devbox', 'resume', 'counter');
  }
}, 600_000);
afterAll(async () => {
  expect(await berth.remove()).toEqual([]);
}, 120_000);

const exec = (box: string, command: string): Promise<string> => berth.output('devbox', 'exec', box, command);
const counting =
  'setsid sh -c "n=0; while :; do n=\\$((n+1)); echo \\$\\$ \\$n > count; sleep 0.05; done" >/dev/null 2>&1 &';
const countOf = async (box: string): Promise<readonly [pid: number, count: number]> => {
  const [pid = 0, count = 0] = (
    await exec(box, 'until c=$(cat count 2>/dev/null) && [ -n "$c" ]; do :; done; echo "$c"')
  )
    .split(' ')
    .map(Number);
  return [pid, count];
};

describe('memory, where the grade gvisor can be had', () => {
  it('is kept by a suspension: the same process counts on', async ({ skip }) => {
    skip(unusable !== '', unusable);
    const { id: box } = JSON.parse(await berth.output('devbox', 'get', 'counter', '--json')) as { id: string };
    await exec(box, counting);
    const [pid, before] = await countOf(box);
    expect(await berth.output('devbox', 'suspend', '--memory', 'counter')).toBe(`${box} suspended`);
    expect(await berth.output('devbox', 'resume', 'counter')).toBe(`${box} running`);
    const [pidAfter, after] = await countOf(box);
    expect([pidAfter, after > before]).toEqual([pid, true]);
  });

  it('comes along with forks, which count on by themselves', async ({ skip }) => {
    skip(unusable !== '', unusable);
    const forks = (await berth.output('devbox', 'fork', '-n', '3', 'counter')).split('\n');
    const [pid, count] = await countOf('counter');
    for (const fork of forks) {
      const [forkedPid, forkedCount] = await countOf(fork);
      expect([forkedPid, forkedCount > 0]).toEqual([pid, true]);
    }
    expect((await countOf('counter'))[1]).toBeGreaterThanOrEqual(count);
    await berth.output('devbox', 'delete', ...forks);
  });

  it('can be left behind: the box starts anew from its disk', async ({ skip }) => {
    skip(unusable !== '', unusable);
    await berth.output('devbox', 'suspend', '--memory', 'counter');
    await berth.output('devbox', 'resume', '--no-memory', 'counter');
    const still = 'a=$(cat count); sleep 1; test "$a" = "$(cat count)" && echo "$a"';
    expect(await exec('counter', still)).toMatch(/^\d+ \d+$/);
  });
});
