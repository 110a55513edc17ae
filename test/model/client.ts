import type { Model } from './expectation.ts';
import * as operations from './operations.ts';

type Step = readonly [name: string, weight: number, run: (() => Promise<void>) | undefined];

/** One client at work: draws an operation that makes sense now, does it, compares. */
export class ModelClient {
  readonly bench: operations.Bench;

  constructor(bench: operations.Bench) {
    this.bench = bench;
  }

  /** Does one operation. @throws Error that names the operation and what was found */
  async step(): Promise<void> {
    const steps = this.#possible().filter(([, , run]) => run !== undefined);
    let draw = this.bench.random.next() * steps.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight, run] of steps) {
      draw -= weight;
      if (draw < 0 && run !== undefined) {
        this.bench.model.count(name);
        await run().catch((error: unknown) => {
          throw new Error(`${name}: ${String(error)}`, { cause: error });
        });
        return;
      }
    }
  }

  /** Compares all that is there, then ends it. */
  async finish(): Promise<void> {
    const { bench } = this;
    for (const box of bench.model.present()) {
      await (box.standing === 'suspended' ? operations.resume(bench, box) : operations.verify(bench, box));
    }
    for (const box of bench.model.present()) {
      await operations.destroy(bench, box);
    }
    for (const snapshot of [...bench.model.snapshots]) {
      await operations.deleteSnapshot(bench, snapshot);
    }
  }

  #possible(): Step[] {
    const { bench } = this;
    const { model, random, mostBoxes, mostSnapshots } = bench;
    const pick = <T>(items: readonly T[]): T | undefined => items[random.between(0, items.length)];
    const running = pick(model.present('running'));
    const suspended = pick(model.present('suspended'));
    const any = pick(model.present());
    const snapshot = pick(model.snapshots);
    const hasRoom = model.present().length < mostBoxes;
    const on = <T>(item: T | undefined, run: (item: T) => Promise<void>) =>
      item === undefined ? undefined : () => run(item);
    return [
      ['create', 3, hasRoom ? () => operations.create(bench) : undefined],
      ['create from snapshot', 3, hasRoom ? on(snapshot, (one) => operations.create(bench, one)) : undefined],
      ['write', 12, on(running, (box) => operations.write(bench, box))],
      ['remove', 3, on(running, (box) => operations.remove(bench, box))],
      ['execute', 10, on(running, (box) => operations.execute(bench, box))],
      ['remember', 3, on(running, (box) => operations.remember(bench, box))],
      ['verify', 5, on(running, (box) => operations.verify(bench, box))],
      ['suspend', 4, on(running, (box) => operations.suspendAndResume(bench, box))],
      ['resume', 4, on(suspended, (box) => operations.resume(bench, box))],
      [
        'snapshot',
        4,
        model.snapshots.length < mostSnapshots ? on(any, (box) => operations.takeSnapshot(bench, box)) : undefined,
      ],
      ['delete snapshot', 2, on(snapshot, (one) => operations.deleteSnapshot(bench, one))],
      ['fork', 2, hasRoom ? on(running, (box) => operations.fork(bench, box)) : undefined],
      ['fill disk', 0.5, on(running, (box) => operations.fillDisk(bench, box))],
      ['destroy', model.present().length > mostBoxes / 2 ? 6 : 2, on(any, (box) => operations.destroy(bench, box))],
    ];
  }
}

/** Sums of the operations of several clients. */
export const totals = (models: readonly Model[]): Record<string, number> => {
  const sums: Record<string, number> = {};
  for (const { counts } of models) {
    for (const [name, count] of Object.entries(counts)) {
      sums[name] = (sums[name] ?? 0) + count;
    }
  }
  return sums;
};
