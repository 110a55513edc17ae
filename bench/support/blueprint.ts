import type { BenchClient } from './client.ts';

/** Builds an image and waits for it; answers its id. */
export const buildBlueprint = async (client: BenchClient, dockerfile: string, timeoutMs = 900_000): Promise<string> => {
  const { id } = await client.json<{ id: string }>('POST', '/v1/blueprints', { name: 'bench', dockerfile });
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const { status, failure_reason } = await client.json<{ status: string; failure_reason?: string }>(
      'GET',
      `/v1/blueprints/${id}`,
    );
    if (status === 'build_complete') {
      return id;
    }
    if (status === 'failed' || performance.now() > deadline) {
      const { logs } = await client.json<{ logs: Array<{ message: string }> }>('GET', `/v1/blueprints/${id}/logs`);
      const last = logs.slice(-5).map(({ message }) => message);
      throw new Error(`blueprint ${id} is ${status} (${failure_reason ?? ''}): ${last.join(' | ')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

export const deleteBlueprint = (client: BenchClient, id: string): Promise<unknown> =>
  client.json('POST', `/v1/blueprints/${id}/delete`, {});
