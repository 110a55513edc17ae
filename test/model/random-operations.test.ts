import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { usableGrades } from '../platform/host.ts';
import { Platform } from '../platform/platform.ts';
import type { Grade } from './expectation.ts';
import { playRound } from './rounds.ts';

/*
 * Without a word: a short run of a fixed seed for each grade. BERTH_MODEL_STEPS makes it longer, then BERTH_MODEL_SEED (random unless set) draws other
 * operations, BERTH_MODEL_GRADE leaves the other grade out, BERTH_MODEL_CLIENTS=1 has one client do everything, one step after another, which repeats
 * a failure best. BERTH_MODEL_POOL=auto|off has a warm pool or none, BERTH_MODEL_ACCIDENTS is the share of operations during which something is killed (0.25), BERTH_MODEL_KEEP=1 keeps logs of a run that failed.
 */
const asked = process.env['BERTH_MODEL_STEPS'];
const seed = Number(process.env['BERTH_MODEL_SEED'] ?? (asked === undefined ? 1 : Math.floor(Math.random() * 2 ** 32)));
const onlyGrade = process.env['BERTH_MODEL_GRADE'];
const clients = Number(process.env['BERTH_MODEL_CLIENTS'] ?? 3);
const accidents = Number(process.env['BERTH_MODEL_ACCIDENTS'] ?? 0.25);

const rounds: ReadonlyArray<{ readonly grade: Grade; readonly pool: 'auto' | 'off'; readonly steps: number }> = [
  { grade: 'container', pool: 'auto', steps: 100 },
  { grade: 'gvisor', pool: 'off', steps: 45 },
];

describe.each(rounds.filter(({ grade }) => (onlyGrade ?? grade) === grade))('$grade', (round) => {
  const { grade } = round;
  const steps = Number(asked ?? round.steps);
  const pool =
    process.env['BERTH_MODEL_POOL'] === undefined
      ? round.pool
      : process.env['BERTH_MODEL_POOL'] === 'off'
        ? 'off'
        : 'auto';
  let platform: Platform;
  let isFaulty = false;
  beforeAll(async () => {
    platform = await Platform.start(grade, { BERTH_POOL: pool });
  });
  afterAll(async () => {
    const left = await platform.stop();
    // What a run that found a fault left half done is no news.
    expect(isFaulty ? [] : left).toEqual([]);
  });

  it(`${steps} random operations agree with a reference while processes are killed (BERTH_MODEL_SEED=${seed})`, {
    timeout: 300_000 + steps * 10_000,
  }, async () => {
    expect(await usableGrades(platform)).toContain(grade);
    const counts = await playRound(platform, { seed, steps, clients, grades: [grade], accidents }).catch(fail);
    console.log(`seed ${seed}, ${grade}, pool ${pool}: ${JSON.stringify(counts)}`);
  });

  const fail = (error: unknown): never => {
    isFaulty = true;
    if (process.env['BERTH_MODEL_KEEP'] === '1') {
      const kept = mkdtempSync(join(tmpdir(), 'berth-model-'));
      cpSync(join(platform.state, 'logs'), kept, { recursive: true });
      throw new Error(`${String(error)}\nlogs are in ${kept}`, { cause: error });
    }
    throw error;
  };
});
