import { describe, expect, it } from 'vitest';
import { output, withBox } from '../../platform/boxes.ts';
import { rawClient } from '../../platform/clients.ts';

const client = rawClient();
/** Waits as the official client does, until the box has ended. */
const ended = async (id: string) => {
  for (;;) {
    const answer = await client.post<object, { status: string; shutdown_reason?: string; failure_reason?: string }>(
      `/v1/devboxes/${id}/wait_for_status`,
      { body: { statuses: ['shutdown', 'failure'], timeout_seconds: 30 }, maxRetries: 3, timeout: 60_000 },
    );
    if (answer.status !== 'running') {
      return answer;
    }
  }
};

describe('how a devbox ends by itself (API §3.5, §3.6)', () => {
  it('ends when its life is over', async () => {
    await withBox(client, { launch_parameters: { keep_alive_time_seconds: 2 } }, async (box) => {
      expect(await ended(box.id)).toMatchObject({ status: 'shutdown', shutdown_reason: 'keep_alive_timeout' });
    });
  });

  it('lives longer when kept alive', async () => {
    await withBox(client, { launch_parameters: { keep_alive_time_seconds: 10 } }, async (box) => {
      for (let beat = 0; beat < 12; beat += 1) {
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        await client.devboxes.keepAlive(box.id);
      }
      expect((await client.devboxes.retrieve(box.id)).status).toBe('running');
    });
  });

  it('ends when idle, and a running command is no idleness', async () => {
    const idle = {
      launch_parameters: { lifecycle: { after_idle: { idle_time_seconds: 2, on_idle: 'shutdown' } } },
    } as const;
    await withBox(client, idle, async (box) => {
      expect(await output(client, box.id, 'sleep 5; echo awake')).toBe('awake\n');
      expect(await ended(box.id)).toMatchObject({ status: 'shutdown', shutdown_reason: 'idle' });
    });
  });

  it('ends when its entrypoint exits', async () => {
    const created = await client.devboxes.create({ entrypoint: 'sleep 1; echo ready' });
    expect(await ended(created.id)).toMatchObject({ status: 'shutdown', shutdown_reason: 'entrypoint_exit' });
  });

  it('fails with its reason when a launch command fails', async () => {
    const created = await client.devboxes.create({
      launch_parameters: { launch_commands: ['true', 'exit 3', 'touch /tmp/never'] },
    });
    try {
      expect(await ended(created.id)).toMatchObject({ status: 'failure', failure_reason: 'execution_failed' });
      await expect(client.devboxes.awaitRunning(created.id)).rejects.toThrow();
    } finally {
      expect((await client.devboxes.shutdown(created.id)).status).toBe('shutdown');
    }
  });
});
