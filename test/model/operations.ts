import { createHash } from 'node:crypto';
import { persist } from '../chaos/persist.ts';
import type { Random } from '../chaos/random.ts';
import type { PatientApi } from './api.ts';
import { type Grade, type Model, ModelBox, type ModelSnapshot } from './expectation.ts';

/** What operations work with. */
export interface Bench {
  readonly api: PatientApi;
  readonly model: Model;
  readonly random: Random;
  readonly grades: readonly [Grade, ...Grade[]];
  /** Most boxes and snapshots of one client at a time. */
  readonly mostBoxes: number;
  readonly mostSnapshots: number;
}

const shell = 'model';
/** Small disks, so that one can be filled. */
const launch = (grade: Grade) => ({
  resource_size_request: 'CUSTOM_SIZE',
  custom_cpu_cores: 0.5,
  custom_gb_memory: 1,
  custom_disk_size: 2,
  keep_alive_time_seconds: 7_200,
  isolation: grade,
});

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Everything acknowledged is there, byte for byte, and nothing else. */
export async function verify({ api }: Bench, box: ModelBox): Promise<void> {
  const listing = await api.output(
    box.id,
    'cd ~/kept 2>/dev/null && for f in *; do [ -e "$f" ] && sha256sum "$f"; done; true',
  );
  const found = listing
    .split('\n')
    .filter((line) => line !== '')
    .sort();
  const wanted = [...box.files].map(([name, text]) => `${sha(text)}  ${name}`).sort();
  if (found.join('\n') !== wanted.join('\n')) {
    throw new Error(`${box.id} holds\n${found.join('\n')}\nand not\n${wanted.join('\n')}`);
  }
  const remembered = (await api.output(box.id, 'echo "$kept"', shell)).trimEnd();
  if (remembered !== (box.remembered ?? '')) {
    throw new Error(`the shell of ${box.id} remembers ${remembered}, not ${box.remembered}`);
  }
  for (const [executionId, status] of [...box.finished].slice(-3)) {
    const view = await persist('old execution', () => api.client.devboxes.executions.retrieve(box.id, executionId));
    if (view.status !== 'completed' || view.exit_status !== status) {
      throw new Error(`${box.id}: ${executionId} became ${JSON.stringify(view)}`);
    }
  }
}

async function adopt(bench: Bench, id: string, grade: Grade, files: ReadonlyMap<string, string>): Promise<ModelBox> {
  const box = new ModelBox(id, grade, files);
  bench.model.boxes.push(box);
  await bench.api.settle(id, 'running');
  return box;
}

/** A new box, or one from a snapshot. */
export async function create(bench: Bench, from?: ModelSnapshot): Promise<void> {
  const grade = bench.random.pick(bench.grades);
  const { id } = await bench.api.create({
    name: 'model',
    launch_parameters: launch(grade),
    ...(from === undefined ? {} : { snapshot_id: from.id }),
  });
  await verify(bench, await adopt(bench, id, grade, from?.files ?? new Map()));
}

/** Writes a file by a command or by an upload; durable once acknowledged. */
export async function write({ api, random }: Bench, box: ModelBox): Promise<void> {
  const name = `file-${random.between(0, 6)}`;
  const text = `${crypto.randomUUID()}\n`.repeat(random.between(1, 400));
  if (random.next() < 0.5) {
    await persist('write', () =>
      api.client.devboxes.writeFileContents(box.id, { file_path: `kept/${name}`, contents: text }),
    );
  } else {
    const line = text.slice(0, text.indexOf('\n'));
    const times = text.length / (line.length + 1);
    await api.output(box.id, `mkdir -p ~/kept && for i in $(seq ${times}); do echo ${line}; done > ~/kept/${name}`);
  }
  box.files.set(name, text);
}

export async function remove({ api, random }: Bench, box: ModelBox): Promise<void> {
  const [name] = [...box.files.keys()].slice(random.between(0, Math.max(1, box.files.size)));
  if (name !== undefined) {
    await api.output(box.id, `rm ~/kept/${name}`);
    box.files.delete(name);
  }
}

/** A command with a status of its own, which has to stay readable. */
export async function execute({ api, random }: Bench, box: ModelBox): Promise<void> {
  const status = random.between(0, 100);
  const view = await api.run(box.id, `echo out; echo err >&2; exit ${status}`);
  if (view.exit_status !== status || view.stdout !== 'out\n' || view.stderr !== 'err\n') {
    throw new Error(`${box.id}: exit ${status} became ${JSON.stringify(view)}`);
  }
  box.finished.set(view.execution_id, status);
}

/** Leaves a word in the memory of a shell. */
export async function remember({ api }: Bench, box: ModelBox): Promise<void> {
  const word = crypto.randomUUID();
  await api.output(box.id, `kept=${word}`, shell);
  box.remembered = word;
}

/** With memory, a command in flight goes on after the resume and shows its whole output. */
export async function suspendAndResume(bench: Bench, box: ModelBox): Promise<void> {
  const { api, random } = bench;
  const memory = box.grade === 'gvisor' && random.next() < 0.6;
  const inFlight = memory && random.next() < 0.5 ? crypto.randomUUID() : undefined;
  if (inFlight !== undefined) {
    await persist('start', () =>
      api.client.devboxes.execute(box.id, {
        command: 'for i in 1 2 3 4 5 6; do echo $i; sleep 0.2; done; exit 7',
        command_id: inFlight,
        optimistic_timeout: 0.01,
      }),
    ).catch((error: unknown) => {
      if (!String(error).includes('408')) {
        throw error;
      }
    });
  }
  await api.post(`/v1/devboxes/${box.id}/suspend`, { memory });
  await api.settle(box.id, 'suspended');
  box.standing = 'suspended';
  if (!memory) {
    box.remembered = undefined;
  }
  if (inFlight === undefined && random.next() < 0.3) {
    return;
  }
  await resume(bench, box);
  if (inFlight !== undefined) {
    const view = await api.untilCompleted(box.id, inFlight);
    if (view.exit_status !== 7 || view.stdout !== '1\n2\n3\n4\n5\n6\n') {
      throw new Error(`${box.id}: the command in flight became ${JSON.stringify(view)}`);
    }
    box.finished.set(inFlight, 7);
  }
}

export async function resume(bench: Bench, box: ModelBox): Promise<void> {
  await bench.api.post(`/v1/devboxes/${box.id}/resume`, {});
  await bench.api.settle(box.id, 'running');
  box.standing = 'running';
  await verify(bench, box);
}

export async function takeSnapshot({ api, model }: Bench, box: ModelBox): Promise<void> {
  const { id } = await api.post<{ id: string }>(`/v1/devboxes/${box.id}/snapshot_disk`, { name: 'model' });
  model.snapshots.push({ id, files: new Map(box.files) });
}

export async function deleteSnapshot({ api, model }: Bench, snapshot: ModelSnapshot): Promise<void> {
  await api.post(`/v1/devboxes/disk_snapshots/${snapshot.id}/delete`, {});
  model.snapshots.splice(model.snapshots.indexOf(snapshot), 1);
}

/** Live fork: the children have what the source had, then each goes its own way; the source notices nothing. */
export async function fork(bench: Bench, box: ModelBox): Promise<void> {
  const memory = box.grade === 'gvisor' && bench.random.next() < 0.6;
  const { devboxes } = await bench.api.post<{ devboxes: Array<{ id: string }> }>(`/v1/devboxes/${box.id}/fork`, {
    count: bench.random.between(1, 3),
    memory,
    name: 'model fork',
  });
  for (const { id } of devboxes) {
    const child = await adopt(bench, id, box.grade, box.files);
    child.remembered = memory ? box.remembered : undefined;
    await verify(bench, child);
    await write(bench, child);
  }
  await verify(bench, box);
}

/** The disk is full: writes fail and say so; what was acknowledged stays, and there is room again after a removal. */
export async function fillDisk({ api }: Bench, box: ModelBox): Promise<void> {
  const view = await api.run(
    box.id,
    'for n in 1 2 3 4 5 6 7 8; do fallocate -l 512M ~/ballast-$n || head -c 512M /dev/zero > ~/ballast-$n || break; done; echo full > ~/over; sync; rm -f ~/ballast-* ~/over; test $n -lt 8',
  );
  if (view.exit_status !== 0) {
    throw new Error(`${box.id}: its disk never filled: ${JSON.stringify(view)}`);
  }
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
