import type { BenchClient } from './client.ts';

/** Creates a box and waits until it runs; answers its id. */
export const createRunning = async (client: BenchClient, size = 'X_SMALL'): Promise<string> => {
  const { id } = await client.json<{ id: string }>('POST', '/v1/devboxes', {
    name: 'bench',
    launch_parameters: { resource_size_request: size, keep_alive_time_seconds: 3600 },
  });
  await awaitRunning(client, id);
  return id;
};

export const awaitRunning = (client: BenchClient, id: string): Promise<void> => awaitStatus(client, id, 'running');

/** Waits until the box has this status; any other in which it could stay is an error. */
export const awaitStatus = async (client: BenchClient, id: string, wanted: 'running' | 'suspended'): Promise<void> => {
  for (;;) {
    try {
      const { status } = await client.json<{ status: string }>('POST', `/v1/devboxes/${id}/wait_for_status`, {
        statuses: [wanted, 'failure', 'shutdown'],
        timeout_seconds: 30,
      });
      if (status !== wanted) {
        throw new Error(`devbox ${id} is ${status}`);
      }
      return;
    } catch (error) {
      if (!String(error).includes(': 408 ')) {
        throw error;
      }
    }
  }
};

let commands = 0;

/** Runs a command to its end and answers its exit status. */
export const execute = async (client: BenchClient, id: string, command: string): Promise<number | null> => {
  const view = await client.json<{ status: string; exit_status?: number | null }>(
    'POST',
    `/v1/devboxes/${id}/execute`,
    {
      command,
      command_id: `bench-${process.pid}-${Date.now()}-${++commands}`,
      optimistic_timeout: 25,
    },
  );
  if (view.status !== 'completed') {
    throw new Error(`${command}: ${view.status}`);
  }
  return view.exit_status ?? null;
};

export const shutdown = async (client: BenchClient, id: string): Promise<void> => {
  await client.json('POST', `/v1/devboxes/${id}/shutdown`);
};
