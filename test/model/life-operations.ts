import { setTimeout as sleep } from 'node:timers/promises';
import Runloop from '@runloop/api-client';
import { persist } from '../chaos/persist.ts';
import { type Bench, canKeepMemory, launch } from './bench.ts';
import { fill, unfill, write } from './disk-operations.ts';
import {
  type Grade,
  type ModelBlueprint,
  ModelBox,
  type ModelObject,
  type ModelSnapshot,
  type Standing,
} from './expectation.ts';
import { verify, verifyRecords, verifyStatus } from './verify.ts';

const statusReads = { running: 'running', suspended: 'suspended', failure: 'failed', shutdown: 'deleted' } as const;

/** Waits until the box stands still and notes where. @returns what the platform says of it last */
export async function settle({ api }: Bench, box: ModelBox): Promise<string> {
  const view = await api.settle(box.id);
  const standing: Standing = statusReads[view.status];
  const last = JSON.stringify(view.state_transitions?.at(-1));
  box.standing = standing;
  if (standing === 'failed' && (view.failure_reason ?? null) === null) {
    throw new Error(`${box.id} failed without a reason: ${last}`);
  }
  return last;
}

/** It came where it was sent; or, when something was killed meanwhile, it stands where else it may, and says why. */
async function arrive(bench: Bench, box: ModelBox, since: number, wanted: Standing, ...or: Standing[]): Promise<void> {
  const last = await settle(bench, box);
  if (box.standing === wanted) {
    return;
  }
  if (!or.includes(box.standing) || !bench.isDisturbed(since)) {
    throw new Error(`${box.id} is ${box.standing}, not ${wanted}: ${last}`);
  }
  bench.model.count(`${wanted} refused`);
}

/** Of a new box: it runs with what it was to start with. */
async function adopt(bench: Bench, box: ModelBox, since: number): Promise<void> {
  await arrive(bench, box, since, 'running', 'failed');
  if (box.standing === 'running') {
    await verify(bench, box);
  }
}

/** What a new box starts with. */
export interface Beginning {
  readonly snapshot?: ModelSnapshot;
  readonly blueprint?: ModelBlueprint;
  readonly object?: ModelObject;
}

const mountedName = 'file-0';

/** A new box, perhaps from a snapshot or of a blueprint, with an object mounted or not. */
export async function create(bench: Bench, { snapshot, blueprint, object }: Beginning = {}): Promise<void> {
  const since = performance.now();
  const grade: Grade = bench.random.pick(bench.grades);
  const { id } = await bench.api.create({
    name: 'model',
    launch_parameters: launch(grade),
    ...(snapshot === undefined ? {} : { snapshot_id: snapshot.id }),
    ...(blueprint === undefined ? {} : { blueprint_id: blueprint.id }),
    ...(object === undefined
      ? {}
      : {
          mounts: [{ type: 'object_mount', object_id: object.id, object_path: `/home/user/kept/${mountedName}` }],
        }),
  });
  const box = new ModelBox(id, grade, snapshot ?? blueprint);
  if (object !== undefined) {
    box.files.set(mountedName, object.content);
  }
  bench.model.boxes.push(box);
  await adopt(bench, box, since);
}

const inFlightCommand = 'for i in 1 2 3 4 5 6; do echo $i; sleep 0.2; done; exit 7';

async function startCommand({ api }: Bench, box: ModelBox): Promise<string> {
  const commandId = crypto.randomUUID();
  await persist('start', () =>
    api.client.devboxes
      .execute(box.id, { command: inFlightCommand, command_id: commandId, optimistic_timeout: 0.01 })
      .catch((error: unknown) => {
        // It has begun all the same.
        if (error instanceof Runloop.APIError && error.status === 408) {
          return undefined;
        }
        throw error;
      }),
  );
  return commandId;
}

/** Where its processes go on, a command in flight goes on to its end, with its whole output; else it is lost, and said to be. */
async function endCommand({ api }: Bench, box: ModelBox, commandId: string, isKept: boolean): Promise<void> {
  const view = await api.untilCompleted(box.id, commandId);
  const isWhole = view.exit_status === 7 && view.stdout === '1\n2\n3\n4\n5\n6\n';
  const isLost = view.exit_status === null || view.exit_status === undefined;
  if (!isWhole && (isKept || !isLost)) {
    throw new Error(`${box.id}: the command in flight became ${JSON.stringify(view)}`);
  }
  if (isWhole) {
    box.finished.set(commandId, 7);
  }
}

/** Suspends, with memory a part of the time, and mostly resumes. */
export async function suspendAndResume(bench: Bench, box: ModelBox): Promise<void> {
  const { api, random } = bench;
  const memory = canKeepMemory(box) && random.next() < 0.6;
  const inFlight = random.next() < 0.4 ? await startCommand(bench, box) : undefined;
  const staysAsleep = random.next() < 0.3;
  const since = performance.now();
  await api.post(`/v1/devboxes/${box.id}/suspend`, { memory });
  await arrive(bench, box, since, 'suspended', 'running');
  bench.model.count(memory ? 'suspended with memory' : 'suspended');
  const isKept = memory || box.standing === 'running';
  if (!isKept) {
    box.lose();
  }
  if (box.standing === 'suspended') {
    await verifyRecords(bench, box);
    if (staysAsleep && inFlight === undefined) {
      return;
    }
    await resume(bench, box);
  }
  if (inFlight !== undefined && box.standing === 'running') {
    await endCommand(bench, box, inFlight, isKept);
  }
}

export async function resume(bench: Bench, box: ModelBox): Promise<void> {
  for (let attempt = 1; box.standing === 'suspended'; attempt += 1) {
    const since = performance.now();
    await bench.api.post(`/v1/devboxes/${box.id}/resume`, {});
    await arrive(bench, box, since, 'running', ...(attempt < 5 ? (['suspended'] as const) : []));
  }
  await verify(bench, box);
}

/** What the platform says of a memory that is gone, or in which what was killed is dead for good. */
const memoryIsLost = /no longer has its memory|guest_exited.* to start it from its disk/;

/**
 * Resumes a box of which a process was killed. When that was before its memory was whole, or is in it, the platform says so, and starts it from its disk
 * where that is asked for in so many words. @returns whether its memory is lost
 */
export async function wake(bench: Bench, box: ModelBox): Promise<boolean> {
  await bench.api.post(`/v1/devboxes/${box.id}/resume`, {});
  const isLost = memoryIsLost.test(await settle(bench, box));
  if (isLost) {
    box.lose();
    await bench.api.post(`/v1/devboxes/${box.id}/resume`, { memory: false });
    await settle(bench, box);
  }
  await resume(bench, box);
  return isLost;
}

/** What is full keeps what it has, is suspended, resumed and copied as ever, and has room again after a removal. */
export async function withFullDisk(bench: Bench, box: ModelBox): Promise<void> {
  const isParked = bench.random.next() < 0.5;
  await fill(bench, box);
  if (isParked) {
    await suspendAndResume(bench, box);
    if (box.standing === 'suspended') {
      await resume(bench, box);
    }
  }
  await unfill(bench, box);
  await write(bench, box);
  await verify(bench, box);
}

export async function takeSnapshot({ api, model, random, isDisturbed }: Bench, box: ModelBox): Promise<void> {
  const since = performance.now();
  const { id } = await api.post<{ id: string }>(`/v1/devboxes/${box.id}/snapshot_disk_async`, { name: 'model' });
  for (;;) {
    const { status, error_message } = await persist(`snapshot ${id}`, () =>
      api.client.devboxes.diskSnapshots.queryStatus(id),
    );
    if (status === 'complete') {
      break;
    }
    if (status === 'error') {
      if (isDisturbed(since)) {
        model.count('snapshot refused');
        return;
      }
      throw new Error(`snapshot ${id} of ${box.id}: ${error_message}`);
    }
    await sleep(random.between(5, 30));
  }
  model.snapshots.push({ id, files: new Map(box.files), blueprintId: box.blueprintId });
}

export async function deleteSnapshot({ api, model }: Bench, snapshot: ModelSnapshot): Promise<void> {
  await api.post(`/v1/devboxes/disk_snapshots/${snapshot.id}/delete`, {});
  model.snapshots.splice(model.snapshots.indexOf(snapshot), 1);
}

/** Live fork: the children have what the source had, then each goes its own way; the source notices nothing. */
export async function fork(bench: Bench, box: ModelBox): Promise<void> {
  const memory = box.standing === 'running' && canKeepMemory(box) && bench.random.next() < 0.6;
  const since = performance.now();
  const { devboxes } = await bench.api.post<{ devboxes: Array<{ id: string }> }>(`/v1/devboxes/${box.id}/fork`, {
    count: bench.random.between(1, 3),
    memory,
    name: 'model fork',
  });
  const children = devboxes.map(({ id }) => new ModelBox(id, box.grade, box));
  bench.model.boxes.push(...children);
  for (const child of children) {
    if (memory) {
      child.mind = { ...box.mind };
    }
    await adopt(bench, child, since);
    bench.model.count(memory ? 'forked with memory' : 'forked');
    if (child.standing === 'running') {
      await write(bench, child);
    }
  }
  await (box.standing === 'running' ? verify(bench, box) : verifyStatus(bench, box));
}

/** Ends the box for good; twice, for good measure. */
export async function destroy({ api }: Bench, box: ModelBox): Promise<void> {
  for (let times = 0; times < 2; times += 1) {
    const view = await api.post<{ status: string }>(`/v1/devboxes/${box.id}/shutdown?force=true`, {});
    if (view.status !== 'shutdown') {
      throw new Error(`${box.id} answered ${view.status} to shutdown`);
    }
  }
  box.standing = 'deleted';
}
