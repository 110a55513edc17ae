import { createHash, randomBytes, randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type Bench, spec } from './harness.ts';

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const rounds = Number(process.env.BERTH_CHAOS_ROUNDS ?? 12);

/** Drops and restarts at random moments, while everything is in use. BERTH_CHAOS_ROUNDS makes it longer. */
export const chaosSuite = (begin: () => Promise<Bench>): void => {
  it('loses, repeats and invents nothing over drops and restarts at random moments', async () => {
    const bench = await begin();
    const bytes = randomBytes(1_500_000);
    const path = join(bench.folder, 'input');
    writeFileSync(path, bytes);
    const marks = join(bench.folder, 'marks');
    const commands = Array.from({ length: 10 }, (_, index) =>
      spec(
        `echo ${index} >> ${marks}; cat ${path}; sleep 0.${index}; tail -c ${index * 1_000} ${path} >&2; exit ${index}`,
      ),
    );
    for (const command of commands) {
      await bench.box.execute(command);
    }
    for (let round = 0; round < rounds; round += 1) {
      await setTimeout(randomInt(40));
      if (randomInt(3) === 0) {
        await bench.restart();
      } else {
        bench.cable.cut();
      }
      // whoever asks again with the same id gets what there is
      const again = commands[randomInt(commands.length)];
      if (again !== undefined) {
        await bench.box.execute(again);
      }
    }
    for (const [index, { executionId }] of commands.entries()) {
      const view = await bench.box.waitExecution(executionId, {
        until: ['completed'],
        timeoutMs: 30_000,
        lastLines: 1,
      });
      expect(view.end).toEqual({ kind: 'exited', code: index });
      expect(sha(await bench.read(executionId, 'stdout'))).toBe(sha(bytes));
      expect((await bench.read(executionId, 'stderr')).length).toBe(index * 1_000);
    }
    const ran = await bench.run(`sort -n ${marks}`);
    expect(ran.stdout.text).toBe(commands.map((_, index) => `${index}\n`).join(''));
    expect([bench.breaches, bench.failures]).toEqual([[], []]);
  }, 120_000);
};
