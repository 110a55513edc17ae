import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../platform/process.ts';
import { type Accidents, describePlan, drawAccident, type Plan } from './accidents.ts';
import type { Bench } from './bench.ts';
import { build, deleteBlueprint } from './blueprint-operations.ts';
import * as disk from './disk-operations.ts';
import type { Model, ModelBox } from './expectation.ts';
import * as life from './life-operations.ts';
import { deleteObject, get, put } from './object-operations.ts';
import { refuse, refuseSnapshot } from './refusals.ts';
import { verify } from './verify.ts';

interface Step {
  readonly name: string;
  readonly weight: number;
  readonly run: () => Promise<void>;
  /** The box that it is done to. */
  readonly box?: ModelBox;
}

const tracedSteps = 40;
/** Most of one client at a time. */
const mostBlueprints = 2;
const mostObjects = 4;
const noticeMs = 500;
const longestNoticeMs = 60_000;

/** One client at work: draws an operation that makes sense now, does it, compares. */
export class ModelClient {
  readonly bench: Bench;
  readonly #accidents: Accidents;
  /** Share of the operations during which something is killed. */
  readonly #accidentShare: number;
  readonly #trace: string[] = [];
  #done = 0;

  constructor(bench: Bench, accidents: Accidents, accidentShare: number) {
    this.bench = bench;
    this.#accidents = accidents;
    this.#accidentShare = accidentShare;
  }

  /** Does one operation. @throws Error that names the operation, what was found, and what was done before */
  async step(): Promise<void> {
    const { model, random } = this.bench;
    const steps = this.#possible();
    let draw = random.next() * steps.reduce((sum, { weight }) => sum + weight, 0);
    const plan = drawAccident(random, this.#accidentShare);
    const step = steps.find(({ weight }) => {
      draw -= weight;
      return draw < 0;
    });
    if (step === undefined) {
      return;
    }
    this.#done += 1;
    const { name, box } = step;
    const what = [`${this.#done}. ${name}`, ...(box === undefined ? [] : [`${box.grade} ${box.id} ${box.standing}`])];
    this.#trace.push([...what, ...(plan === undefined ? [] : [describePlan(plan)])].join(', '));
    model.count(name);
    const begunMs = Date.now();
    try {
      await (plan === undefined ? step.run() : this.#runWith(plan, step));
    } catch (error) {
      const when = `${new Date(begunMs).toISOString()} to ${new Date().toISOString()}`;
      const before = this.#trace.slice(-tracedSteps).join('\n');
      throw new Error(`${String(error)}\n${when}, after these:\n${before}`, { cause: error });
    }
  }

  /** Compares all that is there, then ends it. */
  async finish(): Promise<void> {
    const { bench } = this;
    for (const box of bench.model.present('suspended')) {
      await life.resume(bench, box);
    }
    for (const box of bench.model.present('running')) {
      await verify(bench, box);
    }
    for (const box of bench.model.present()) {
      await life.destroy(bench, box);
    }
    for (const snapshot of [...bench.model.snapshots]) {
      await life.deleteSnapshot(bench, snapshot);
    }
    for (const blueprint of [...bench.model.blueprints]) {
      await deleteBlueprint(bench, blueprint);
    }
    for (const object of [...bench.model.objects]) {
      await get(bench, object);
      await deleteObject(bench, object);
    }
  }

  /** Something dies meanwhile. When it is a process of the box itself, the box may have failed, and with it what was done to it. */
  async #runWith(plan: Plan, { run, box }: Step): Promise<void> {
    const { bench } = this;
    const known = bench.model.boxes.length;
    const [ended, struck] = await Promise.allSettled([run(), this.#accidents.happen(plan, box)]);
    if (struck.status === 'rejected') {
      throw struck.reason;
    }
    if (box !== undefined && struck.value) {
      await this.#inspectVictims([box, ...bench.model.boxes.slice(known)], ended);
    } else if (ended.status === 'rejected') {
      throw ended.reason;
    }
  }

  async #inspectVictims(boxes: readonly ModelBox[], ended: PromiseSettledResult<void>): Promise<void> {
    const { bench } = this;
    let hasLost = false;
    for (const box of boxes.filter(({ standing }) => standing !== 'deleted' && standing !== 'failed')) {
      await life.settle(bench, box);
      if (box.standing === 'running') {
        await this.#waitForDeath(box);
      }
      if (box.standing === 'suspended') {
        hasLost = (await life.wake(bench, box)) || hasLost;
      } else if (box.standing === 'running') {
        await verify(bench, box);
      }
      bench.model.count(`struck, ${box.standing}`);
    }
    if (ended.status === 'rejected' && !hasLost && !boxes.some(({ standing }) => standing === 'failed')) {
      throw ended.reason;
    }
  }

  /** Nobody may have noticed it yet; and what was killed may not have been needed any more. */
  async #waitForDeath(box: ModelBox): Promise<void> {
    const { bench } = this;
    await sleep(noticeMs);
    const answers = await bench.api.run(box.id, 'true').then(
      ({ exit_status }) => exit_status === 0,
      () => false,
    );
    await life.settle(bench, box);
    if (!answers && box.standing === 'running') {
      await until(
        `the death of ${box.id} is told`,
        async () => (await bench.api.get(box.id)).status !== 'running',
        longestNoticeMs,
      );
      await life.settle(bench, box);
    }
  }

  /** What can be done with images and objects, and with boxes that begin with them. */
  #ofThings(hasRoom: boolean): Step[] {
    const { bench } = this;
    const { model } = bench;
    const [blueprint, object] = [this.#pick(model.blueprints), this.#pick(model.objects)];
    return [
      ...(model.blueprints.length < mostBlueprints ? [{ name: 'build', weight: 1.5, run: () => build(bench) }] : []),
      ...(blueprint === undefined
        ? []
        : [{ name: 'delete blueprint', weight: 0.7, run: () => deleteBlueprint(bench, blueprint) }]),
      ...(blueprint !== undefined && hasRoom
        ? [{ name: 'create of blueprint', weight: 2, run: () => life.create(bench, { blueprint }) }]
        : []),
      ...(model.objects.length < mostObjects ? [{ name: 'put', weight: 3, run: () => put(bench) }] : []),
      ...(object === undefined
        ? []
        : [
            { name: 'get', weight: 2, run: () => get(bench, object) },
            { name: 'delete object', weight: 1, run: () => deleteObject(bench, object) },
          ]),
      ...(object !== undefined && hasRoom
        ? [{ name: 'create with object', weight: 2, run: () => life.create(bench, { object }) }]
        : []),
    ];
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[this.bench.random.between(0, items.length)];
  }

  #possible(): Step[] {
    const { bench } = this;
    const { model, mostBoxes, mostSnapshots } = bench;
    const pick = <T>(items: readonly T[]): T | undefined => this.#pick(items);
    const running = pick(model.present('running'));
    const suspended = pick(model.present('suspended'));
    const alive = pick([...model.present('running'), ...model.present('suspended')]);
    const any = pick(model.present());
    const ever = pick(model.boxes);
    const snapshot = pick(model.snapshots);
    const hasRoom = model.present().length < mostBoxes;
    const on = (
      name: string,
      weight: number,
      box: ModelBox | undefined,
      act: (bench: Bench, box: ModelBox) => Promise<void>,
    ): Step[] => (box === undefined || weight === 0 ? [] : [{ name, weight, box, run: () => act(bench, box) }]);
    return [
      ...(hasRoom ? [{ name: 'create', weight: 3, run: () => life.create(bench) }] : []),
      ...(hasRoom && snapshot !== undefined
        ? [{ name: 'create from snapshot', weight: 3, run: () => life.create(bench, { snapshot }) }]
        : []),
      ...this.#ofThings(hasRoom),
      ...on('write', 10, running, disk.write),
      ...on('remove', 3, running, disk.remove),
      ...on('execute', 7, running, disk.execute),
      ...on('remember', 3, running, disk.remember),
      ...on('serve', 2, running, disk.serve),
      ...on('verify', 4, running, verify),
      ...on('suspend', 6, running, life.suspendAndResume),
      ...on('resume', 5, suspended, life.resume),
      ...on('snapshot', model.snapshots.length < mostSnapshots ? 4 : 0, alive, life.takeSnapshot),
      ...(snapshot === undefined
        ? []
        : [{ name: 'delete snapshot', weight: 2, run: () => life.deleteSnapshot(bench, snapshot) }]),
      ...on('fork', hasRoom ? 3 : 0, alive, life.fork),
      ...on('full disk', 0.5, running, life.withFullDisk),
      ...on('refuse', 2, ever, refuse),
      { name: 'refuse a source', weight: 0.3, run: () => refuseSnapshot(bench) },
      ...on('destroy', model.present().length > mostBoxes / 2 ? 6 : 2, any, life.destroy),
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
