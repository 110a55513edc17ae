import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LaunchedBerth } from './berth.ts';

let berth: LaunchedBerth;
beforeAll(async () => {
  berth = await LaunchedBerth.prepare();
}, 600_000);
afterAll(async () => {
  expect(await berth.remove()).toEqual([]);
}, 120_000);

interface Trial {
  readonly change: string;
  readonly engine: string;
  readonly problem: string | null;
  readonly factor: number;
  readonly agent: { readonly pid: number; readonly service: number; readonly begun: number };
}

interface Report {
  readonly isolation: string;
  readonly memory: boolean;
  readonly source: Trial;
  readonly attempts: ReadonlyArray<Trial & { readonly devboxId: string }>;
  readonly snapshotId: string;
  readonly proof: Trial;
}

/** The example, in its small form, by its one command: it brings Berth up by itself. */
const liveFork = async (isolation: string): Promise<Report & { readonly said: string }> => {
  const words = ['--small', '--forks', '3', '--isolation', isolation, '--json'];
  const ending = await berth.run(words, { program: 'examples/live-fork/run' });
  expect(ending).toMatchObject({ status: 0 });
  return { ...(JSON.parse(ending.stdout) as Report), said: ending.stderr };
};

const holds = async (report: Report): Promise<void> => {
  expect(report.attempts.map(({ change }) => change)).toEqual(['dense', 'drop-common', 'early-stop']);
  expect(report.attempts.map(({ problem }) => problem === null)).toEqual([true, false, true]);
  const green = report.attempts.filter(({ problem }) => problem === null);
  const best = green.toSorted((one, other) => other.factor - one.factor)[0];
  expect(report.proof).toMatchObject({ engine: best?.engine, problem: null });
  expect(report.source.engine).not.toBe(best?.engine);
  expect(await berth.output('snapshot', 'get', report.snapshotId)).toContain(`change=${best?.change}`);
  expect(JSON.parse(await berth.output('devbox', 'list', '--json'))).toEqual([]);
  await berth.output('snapshot', 'delete', report.snapshotId);
};

describe('the live fork', () => {
  it('with the disk alone scores each change and keeps the best', async () => {
    const report = await liveFork('container');
    expect(report).toMatchObject({ isolation: 'container', memory: false });
    await holds(report);
  }, 600_000);

  it('with memory goes on with one and the same agent in all copies', async ({ skip }) => {
    const { isolations } = JSON.parse(await berth.output('status', '--json')) as {
      isolations: Array<{ isolation: string; usable: boolean }>;
    };
    skip(!isolations.some(({ isolation, usable }) => isolation === 'gvisor' && usable), 'gvisor is not usable here');
    const report = await liveFork('gvisor');
    await holds(report);
    skip(report.said.includes('this host cannot copy running processes'), 'this host keeps no memory');
    expect(report).toMatchObject({ isolation: 'gvisor', memory: true });
    for (const { agent } of report.attempts) {
      expect(agent).toMatchObject({ pid: report.source.agent.pid, begun: report.source.agent.begun });
    }
    expect(report.proof.agent.begun).toBeGreaterThan(report.source.agent.begun);
  }, 600_000);
});
