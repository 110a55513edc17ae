import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Killer } from '../chaos/killer.ts';
import { Ledger } from '../chaos/ledger.ts';
import { Random } from '../chaos/random.ts';
import { hostLeaks, usableGrades } from '../platform/host.ts';
import { boxLeftovers } from '../platform/leaks.ts';
import { Platform } from '../platform/platform.ts';
import { until } from '../platform/process.ts';
import { PatientApi } from './api.ts';
import { ModelClient, totals } from './client.ts';
import { Model } from './expectation.ts';

const seed = Number(process.env['BERTH_MODEL_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
const steps = Number(process.env['BERTH_MODEL_STEPS'] ?? 1_000);
const clientCount = 3;
/** Left out, all that this machine has. */
const onlyGrade = process.env['BERTH_MODEL_GRADE'];

describe(`${steps} random operations against a reference (BERTH_MODEL_SEED=${seed} repeats the choices)`, () => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await Platform.start();
  });
  afterAll(async () => {
    expect(await platform.stop()).toEqual([]);
  });

  const work = async (withKills: boolean, share: number): Promise<void> => {
    const random = new Random(seed + (withKills ? 1 : 0));
    const usable = await usableGrades(platform);
    const [first = usable[0], ...others] = usable.filter((grade) => onlyGrade === undefined || grade === onlyGrade);
    const grades = [first, ...others] as const;
    const clients = Array.from({ length: clientCount }, () => {
      const api = new PatientApi(platform.address);
      return new ModelClient({
        api,
        model: new Model(),
        random: random.fork(),
        grades,
        mostBoxes: 5,
        mostSnapshots: 4,
      });
    });
    const killer = new Killer(platform, new Ledger(), random.fork());
    const stop = new AbortController();
    const killing = (async () => {
      while (withKills && !stop.signal.aborted) {
        await killer.killOnce();
      }
    })();
    try {
      await Promise.all(
        clients.map(async (client) => {
          for (let step = 0; step < Math.ceil(share / clientCount); step += 1) {
            await client.step();
          }
        }),
      );
    } finally {
      stop.abort();
      await killing;
    }
    await Promise.all(clients.map((client) => client.finish()));
    const models = clients.map(({ bench }) => bench.model);
    console.log(
      `seed ${seed}, ${grades.join(' and ')}: ${JSON.stringify(totals(models))}; kills ${JSON.stringify(killer.counts)}`,
    );
    const ids = models.flatMap(({ boxes }) => boxes.map(({ id }) => id));
    await until('nothing of the boxes is left', () => boxLeftovers(ids).length === 0, 60_000);
    await until(
      'the host counts no leaks',
      async () => Object.values(await hostLeaks(platform)).every((count) => count === 0),
      60_000,
    );
  };

  it('every acknowledged byte is there', { timeout: 300_000 + steps * 3_000 }, () => work(false, steps * 0.6));

  it('also while processes are killed', { timeout: 300_000 + steps * 6_000 }, () => work(true, steps * 0.4));
});
