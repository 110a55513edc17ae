import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../chaos/random.ts';
import { hostLeaks } from '../platform/host.ts';
import { boxLeftovers } from '../platform/leaks.ts';
import type { Platform } from '../platform/platform.ts';
import { until } from '../platform/process.ts';
import { Accidents } from './accidents.ts';
import { PatientApi } from './api.ts';
import { build } from './blueprint-operations.ts';
import { ModelClient, totals } from './client.ts';
import { type Grade, Model, statusOf } from './expectation.ts';
import { arePassed } from './object-operations.ts';

export interface Round {
  readonly seed: number;
  readonly steps: number;
  readonly clients: number;
  readonly grades: readonly [Grade, ...Grade[]];
  /** Share of the operations during which something is killed. */
  readonly accidents: number;
}

const reportedSteps = 200;

/** Several clients at work on one platform, then everything compared, ended, and looked for. @returns how often what was done */
export async function playRound(platform: Platform, round: Round): Promise<Record<string, number>> {
  const random = new Random(round.seed);
  const accidents = new Accidents(platform);
  const api = new PatientApi(platform.address);
  const clients = Array.from({ length: round.clients }, () => {
    const bench = {
      api,
      model: new Model(),
      random: random.fork(),
      grades: round.grades,
      mostBoxes: 5,
      mostSnapshots: 4,
      isDisturbed: (since: number) => accidents.isDisturbed(since),
    };
    return new ModelClient(bench, accidents, round.accidents);
  });
  const first = clients[0]?.bench;
  // What the first of all builds makes for the others takes longer than hosts live here.
  while (first?.model.blueprints.length === 0) {
    await build(first);
  }
  let failed = false;
  let done = 0;
  const works = clients.map(async (client) => {
    // Where one has found a fault, what the others do is of no interest.
    for (let step = 0; step < Math.ceil(round.steps / round.clients) && !failed; step += 1) {
      await client.step().catch((error: unknown) => {
        failed = true;
        throw error;
      });
      done += 1;
      if (done % reportedSteps === 0) {
        process.stderr.write(`seed ${round.seed}: ${done} of ${round.steps}\n`);
      }
    }
  });
  await Promise.allSettled(works);
  await Promise.all(works);
  const models = clients.map(({ bench }) => bench.model);
  await compareLists(api, models);
  await Promise.all(clients.map((client) => client.finish()));
  await compareLists(api, models);
  const ids = models.flatMap(({ boxes }) => boxes.map(({ id }) => id));
  await noneLeft('nothing of the boxes is left', () => boxLeftovers(ids));
  await noneLeft('the host counts no leaks', async () =>
    Object.entries(await hostLeaks(platform)).flatMap(([name, count]) => (count === 0 ? [] : [`${name} ${count}`])),
  );
  await until(
    'passing objects have gone',
    async () => (await Promise.all(clients.map(({ bench }) => arePassed(bench)))).every((gone) => gone),
    longestLeaveMs,
  );
  await noneLeft('no byte of an object is left', () => filesBelow(join(platform.state, 'server/objects')));
  const kills = Object.fromEntries(Object.entries(accidents.counts).map(([name, count]) => [`${name} killed`, count]));
  return { ...totals(models), ...kills, 'from the pool': fromPool(platform) };
}

const filesBelow = (directory: string): string[] =>
  existsSync(directory)
    ? readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name))
    : [];

/** How many boxes came out of the pool, over all lives of the host. */
const fromPool = (platform: Platform): number =>
  readFileSync(join(platform.state, 'logs/host.log'), 'utf8').split('box runs, from the pool').length - 1;

/** Every box, snapshot, blueprint and object that there is was made by a client, and stands where its reference does. */
async function compareLists({ client }: PatientApi, models: readonly Model[]): Promise<void> {
  const boxes: string[] = [];
  for await (const { id, status } of client.devboxes.list({ limit: 100 })) {
    boxes.push(`${id} ${status}`);
  }
  const snapshots: string[] = [];
  for await (const { id } of client.devboxes.diskSnapshots.list({ limit: 100 })) {
    snapshots.push(id);
  }
  const blueprints: string[] = [];
  for await (const { id, state } of client.blueprints.list({ limit: 100 })) {
    if (state !== 'deleted') {
      blueprints.push(id);
    }
  }
  const passing = new Set(models.flatMap((model) => model.passing));
  const objects: string[] = [];
  for await (const { id } of client.objects.list({ limit: 100 })) {
    if (!passing.has(id)) {
      objects.push(id);
    }
  }
  const wanted = {
    blueprints: models.flatMap((model) => model.blueprints.map(({ id }) => id)),
    objects: models.flatMap((model) => model.objects.map(({ id }) => id)),
    boxes: models.flatMap((model) => model.boxes.map(({ id, standing }) => `${id} ${statusOf[standing]}`)),
    snapshots: models.flatMap((model) => model.snapshots.map(({ id }) => id)),
  };
  const wrong = [
    ...difference('is not in the reference', boxes, wanted.boxes),
    ...difference('is not in the list', wanted.boxes, boxes),
    ...difference('is not in the reference', blueprints, wanted.blueprints),
    ...difference('is not in the list', wanted.blueprints, blueprints),
    ...difference('is not in the reference', objects, wanted.objects),
    ...difference('is not in the list', wanted.objects, objects),
    ...difference('is not in the reference', snapshots, wanted.snapshots),
    ...difference('is not in the list', wanted.snapshots, snapshots),
  ];
  if (wrong.length > 0) {
    throw new Error(wrong.join('\n'));
  }
}

const difference = (what: string, from: readonly string[], others: readonly string[]): string[] => {
  const known = new Set(others);
  return from.filter((one) => !known.has(one)).map((one) => `${one} ${what}`);
};

const longestLeaveMs = 60_000;

async function noneLeft(what: string, look: () => Promise<string[]> | string[]): Promise<void> {
  await until(what, async () => (await look()).length === 0, longestLeaveMs).catch(async (error: unknown) => {
    throw new Error(`${String(error)}\n${(await look()).join('\n')}`);
  });
}
