import type { Load } from './load.ts';

/** Requests that run a command to its end, each with an id of its own; every answer must say `completed` and exit status 0. */
export const executeLoad = (devboxId: string, command: string): Omit<Load, 'connections' | 'total'> => {
  const key = process.env.RUNLOOP_API_KEY ?? '';
  const series = `bench-${process.pid}-${Date.now()}-${process.hrtime.bigint()}`;
  return {
    port: Number(new URL(process.env.RUNLOOP_BASE_URL ?? '').port),
    path: `/v1/devboxes/${devboxId}/execute`,
    authorization: `Bearer ${key}`,
    body: JSON.stringify({ command, command_id: `${series}-{n}`, optimistic_timeout: 25 }),
    expect: { status: 'completed', exit_status: 0 },
  };
};
