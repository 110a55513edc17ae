import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rawClient } from '../platform/clients.ts';
import { hostLeaks } from '../platform/host.ts';
import { Platform } from '../platform/platform.ts';
import { until } from '../platform/process.ts';
import { Killer } from './killer.ts';
import { Ledger } from './ledger.ts';
import { Random } from './random.ts';
import { deleteAll, discrepancies } from './verify.ts';
import { Worker } from './workload.ts';

const seed = Number(process.env['BERTH_CHAOS_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
const allKills = Number(process.env['BERTH_CHAOS_KILLS'] ?? 40);
const workers = 4;

/** With no pool, and with one: BERTH_POOL says which alone. */
const pools = ['off', 'auto'].filter((pool) => (process.env['BERTH_POOL'] ?? pool) === pool);
const kills = Math.ceil(allKills / pools.length);

describe.each(pools)(
  `pool %s: kill -9 at ${kills} random points (BERTH_CHAOS_SEED=${seed} repeats the choices)`,
  (pool) => {
    let platform: Platform;
    beforeAll(async () => {
      platform = await Platform.start(undefined, { BERTH_POOL: pool });
    });
    afterAll(async () => {
      expect(await platform.stop()).toEqual([]);
    });

    it('loses, repeats, invents and leaves behind nothing', { timeout: 120_000 + kills * 15_000 }, async () => {
      const random = new Random(seed);
      const ledger = new Ledger();
      const stop = new AbortController();
      const killer = new Killer(platform, ledger, random.fork());
      const work = Promise.all(
        Array.from({ length: workers }, () => new Worker(platform.address, ledger, random.fork()).work(stop.signal)),
      );
      try {
        for (let count = 0; count < kills; count += 1) {
          await killer.killOnce();
        }
      } finally {
        stop.abort();
        process.stderr.write(`seed ${seed}: ${JSON.stringify(killer.counts)} kills, the workers end\n`);
        await work;
        process.stderr.write(`seed ${seed}: ${ledger.boxes.length} boxes are checked\n`);
      }
      expect(ledger.faults, `seed ${seed}`).toEqual([]);
      const client = rawClient('http1', platform.address);
      const leftOver = ledger.living().filter((box) => box.guestKilled);
      for (const box of leftOver) {
        const failed = async () => (await client.devboxes.retrieve(box.id)).status === 'failure';
        await until(`${box.id} is reported as failed`, failed, 30_000);
      }
      expect(await discrepancies(client, ledger), `seed ${seed}`).toEqual([]);
      const commands = ledger.boxes.reduce((sum, box) => sum + box.commands.length, 0);
      console.log(
        `seed ${seed}: ${JSON.stringify(killer.counts)} kills; ${ledger.boxes.length} boxes, ${commands} commands, all accounted for`,
      );
      expect(commands).toBeGreaterThan(0);
      await deleteAll(client, ledger);
      await until(
        'the host counts no leaks',
        async () => Object.values(await hostLeaks(platform)).every((n) => n === 0),
        60_000,
      );
    });
  },
);
