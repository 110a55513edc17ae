import type Runloop from '@runloop/api-client';
import { afterAll, beforeAll } from 'vitest';
import { rawClient, request, type Transport } from './clients.ts';

type CreateParams = Runloop.DevboxCreateParams;

/** A box that lives for one describe block; `id` may be read once its tests run. */
export interface BoxFixture {
  readonly id: string;
  readonly client: Runloop;
}

/** Creates a running box before the tests of the enclosing block, and shuts it down after them. */
export function useBox(transport: Transport = 'http2', params: CreateParams = {}): BoxFixture {
  let client: Runloop | undefined;
  let id: string | undefined;
  const get = <T>(value: T | undefined): T => {
    if (value === undefined) {
      throw new Error('the box is there only while tests run');
    }
    return value;
  };
  beforeAll(async () => {
    client = rawClient(transport);
    id = (await client.devboxes.createAndAwaitRunning(params)).id;
  });
  afterAll(async () => {
    if (client !== undefined && id !== undefined) {
      await client.devboxes.shutdown(id);
    }
  });
  return {
    get id() {
      return get(id);
    },
    get client() {
      return get(client);
    },
  };
}

/** A running box; where it does not come to run, the error says what became of it. */
async function running(client: Runloop, id: string): Promise<Runloop.DevboxView> {
  try {
    return await client.devboxes.awaitRunning(id);
  } catch (cause) {
    const { failure_reason, state_transitions } = await client.devboxes.retrieve(id);
    throw new Error(`${id}: ${failure_reason ?? 'no reason'} after ${JSON.stringify(state_transitions)}`, { cause });
  }
}

/** Creates a box, waits until it runs or has failed, however long that takes, and shuts it down: what had become of it. */
export async function whatBecameOf(client: Runloop, params: CreateParams): Promise<Runloop.DevboxView> {
  const { id } = await client.devboxes.create(params);
  const body = JSON.stringify({ statuses: ['failure', 'running'], timeout_seconds: 30 });
  try {
    let answer: Response;
    do {
      answer = await request(`/v1/devboxes/${id}/wait_for_status`, { method: 'POST', body });
    } while (answer.status === 408);
    return (await answer.json()) as Runloop.DevboxView;
  } finally {
    await client.devboxes.shutdown(id);
  }
}

/** Runs `use` with a running box and shuts it down afterwards, also when `use` throws. */
export async function withBox<T>(
  client: Runloop,
  params: CreateParams,
  use: (box: Runloop.DevboxView) => Promise<T>,
): Promise<T> {
  const box = await client.devboxes.create(params);
  try {
    return await use(await running(client, box.id));
  } finally {
    await client.devboxes.shutdown(box.id);
  }
}

/** Runs a command to its end in a fresh shell and returns its whole result. */
export const run = (client: Runloop, id: string, command: string): Promise<Runloop.DevboxAsyncExecutionDetailView> =>
  client.devboxes.executeAndAwaitCompletion(id, { command, last_n: '9999' });

/** The stdout of a command that must succeed. */
export async function output(client: Runloop, id: string, command: string): Promise<string> {
  const result = await run(client, id, command);
  if (result.exit_status !== 0) {
    throw new Error(`exit status ${result.exit_status} of: ${command}\n${result.stdout}\n${result.stderr}`);
  }
  return result.stdout ?? '';
}
