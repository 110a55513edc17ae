import type { BenchClient } from './client.ts';
import { awaitRunning, execute } from './devbox.ts';
import { unlikeUser } from './unlike.ts';

/** A program that holds so many random bytes until it is killed. */
export const holder = (memoryBytes: number): string =>
  `python3 -c "import os, time; x = os.urandom(${memoryBytes}); open('/tmp/held', 'w').close(); time.sleep(1e9)"`;

/** Ends once a {@link holder} beside it holds them. */
export const untilHeld = 'until test -e /tmp/held; do sleep 0.1; done';

/** A `gvisor` box, not from the pool, in which a program holds so many random bytes. */
export const createHolding = async (client: BenchClient, memoryBytes: number): Promise<string> => {
  const { id } = await client.json<{ id: string }>('POST', '/v1/devboxes', {
    launch_parameters: {
      isolation: 'gvisor',
      resource_size_request: 'SMALL',
      keep_alive_time_seconds: 3600,
      ...unlikeUser(),
    },
  });
  await awaitRunning(client, id);
  await client.json('POST', `/v1/devboxes/${id}/execute_async`, { command: holder(memoryBytes) });
  await execute(client, id, untilHeld);
  return id;
};
