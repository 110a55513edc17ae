import Runloop from '@runloop/api-client';
import { persist } from '../chaos/persist.ts';
import type { Bench } from './bench.ts';
import type { ModelObject } from './expectation.ts';
import { mustRefuse } from './refusals.ts';

const passingMs = 1_500;
/** Refused though it is the same call: the platform has the bytes already, and its answer was lost. */
const isOver = (status: number): boolean => status === 409 || status === 400;

const failure = (status: number, text: string): Error => new Runloop.APIError(status, undefined, text, undefined);

/** Sends the content until it is acknowledged; then it is to be read as it is. */
async function send(url: string, content: string): Promise<void> {
  await persist(`PUT ${url}`, async () => {
    const answer = await fetch(url, { method: 'PUT', body: content });
    const text = await answer.text();
    if (!answer.ok) {
      throw failure(answer.status, text);
    }
  });
}

async function complete({ api }: Bench, id: string): Promise<void> {
  await persist(`complete ${id}`, async () => {
    try {
      await api.client.objects.complete(id);
    } catch (error) {
      const isRepeated = error instanceof Runloop.APIError && error.status !== undefined && isOver(error.status);
      if (!isRepeated || (await api.client.objects.retrieve(id)).state !== 'READ_ONLY') {
        throw error;
      }
    }
  });
}

/** A new object; a part of them ends by itself soon. */
export async function put(bench: Bench): Promise<void> {
  const { api, model, random } = bench;
  const content = `${crypto.randomUUID()}\n`.repeat(random.between(0, 20_000));
  const isPassing = random.next() < 0.25;
  const { id, upload_url } = await api.post<{ id: string; upload_url: string }>('/v1/objects', {
    name: 'model',
    content_type: 'text',
    // Long enough to be sent whatever dies meanwhile; what is passing is never complete in time.
    ...(isPassing ? { ttl_ms: passingMs } : {}),
  });
  if (isPassing) {
    model.count('put a passing object');
    // Sent or not, complete or not: its time decides.
    await fetch(upload_url, { method: 'PUT', body: content }).catch(() => undefined);
    model.passing.push(id);
    return;
  }
  await send(upload_url, content);
  await complete(bench, id);
  model.objects.push({ id, content });
}

/** What was acknowledged is read back byte for byte. */
export async function get({ api }: Bench, object: ModelObject): Promise<void> {
  const content = await persist(`read ${object.id}`, async () => {
    const { download_url } = await api.client.objects.download(object.id);
    const answer = await fetch(download_url);
    if (!answer.ok) {
      throw failure(answer.status, await answer.text());
    }
    return answer.text();
  });
  if (content !== object.content) {
    throw new Error(`${object.id} has ${content.length} characters, not ${object.content.length}, or others`);
  }
}

/** Deletes it, twice; then nobody reads it, and no box has it mounted. */
export async function deleteObject(bench: Bench, object: ModelObject): Promise<void> {
  const { api, model } = bench;
  for (let times = 0; times < 2; times += 1) {
    await persist(`delete ${object.id}`, () => api.client.objects.delete(object.id));
  }
  model.objects.splice(model.objects.indexOf(object), 1);
  const mounts = [{ type: 'object_mount', object_id: object.id, object_path: '/home/user/kept/none' }];
  await mustRefuse(bench, ['/v1/devboxes', { mounts }]);
}

/** Whether none of the objects that were to end by themselves is there any more. */
export async function arePassed({ api, model }: Bench): Promise<boolean> {
  const states = await Promise.all(
    model.passing.map((id) => persist(`look at ${id}`, () => api.client.objects.retrieve(id))),
  );
  return states.every(({ state }) => state === 'DELETED');
}
