import { describe, expect, it } from 'vitest';
import { refusal } from '../../platform/answers.ts';
import { output, withBox } from '../../platform/boxes.ts';
import { rawClient, sdkClient, transports } from '../../platform/clients.ts';

describe.each(transports)('suspend and resume over %s (API §3.7)', (transport) => {
  const client = rawClient(transport);
  const sdk = sdkClient(transport);

  it('keeps the disk, /tmp included, and id, name and metadata', async () => {
    const devbox = await sdk.devbox.create({ name: 'sleeper', metadata: { team: 'red' } });
    try {
      await devbox.file.write({ file_path: '/tmp/kept', contents: 'in /tmp\n' });
      await devbox.cmd.exec('echo at home > ~/kept');
      const suspending = await devbox.suspend();
      expect(['suspending', 'suspended']).toContain(suspending.status);
      const suspended = await devbox.awaitSuspended();
      expect(suspended).toMatchObject({ id: devbox.id, status: 'suspended', name: 'sleeper', end_time_ms: null });
      const resumed = await devbox.resume();
      expect(resumed).toMatchObject({ id: devbox.id, status: 'running', name: 'sleeper', metadata: { team: 'red' } });
      expect(await (await devbox.cmd.exec('cat /tmp/kept ~/kept')).stdout()).toBe('in /tmp\nat home\n');
    } finally {
      await devbox.shutdown();
    }
  });

  it('shows neither resuming nor initializing right after a resume', async () => {
    await withBox(client, {}, async ({ id }) => {
      await client.devboxes.suspend(id);
      await client.devboxes.awaitSuspended(id);
      const answer = await client.devboxes.resume(id);
      const early = await client.devboxes.retrieve(id);
      for (const { status } of [answer, early]) {
        expect(['suspended', 'provisioning', 'running']).toContain(status);
      }
      expect((await client.devboxes.awaitRunning(id)).status).toBe('running');
    });
  });

  it('runs launch commands and entrypoint again, and places no mount again', async () => {
    const wish = {
      file_mounts: { '/home/user/mounted': 'mounted' },
      entrypoint: 'echo entrypoint >> /home/user/starts; sleep infinity',
      launch_parameters: { launch_commands: ['echo launched >> /home/user/starts; echo changed > /home/user/mounted'] },
    };
    await withBox(client, wish, async ({ id }) => {
      // A box runs once its entrypoint is started, which may be before it has written anything.
      await output(client, id, 'until grep -q entrypoint starts; do sleep 0.1; done');
      await client.devboxes.suspend(id);
      await client.devboxes.awaitSuspended(id);
      await client.devboxes.resume(id);
      await client.devboxes.awaitRunning(id);
      const starts = 'until [ "$(grep -c entrypoint starts)" = 2 ]; do sleep 0.1; done; sort starts; cat mounted';
      expect(await output(client, id, starts)).toBe('entrypoint\nentrypoint\nlaunched\nlaunched\nchanged\n');
    });
  });

  it('refuses what needs a running box, a second suspend, and a resume of a running one', async () => {
    await withBox(client, {}, async ({ id }) => {
      expect((await refusal(client.devboxes.resume(id))).status).toBe(400);
      await client.devboxes.suspend(id);
      await client.devboxes.awaitSuspended(id);
      expect((await refusal(client.devboxes.suspend(id))).status).toBe(400);
      expect((await refusal(client.devboxes.readFileContents(id, { file_path: 'x' }))).status).toBe(400);
      const { message } = await refusal(client.devboxes.executeAsync(id, { command: 'true' }));
      expect(message).toContain('suspended');
    });
  });

  it('shuts a suspended box down for good', async () => {
    const { id } = await client.devboxes.createAndAwaitRunning();
    await client.devboxes.suspend(id);
    await client.devboxes.awaitSuspended(id);
    expect((await client.devboxes.shutdown(id)).status).toBe('shutdown');
    expect((await client.devboxes.retrieve(id)).status).toBe('shutdown');
    expect((await refusal(client.devboxes.resume(id))).status).toBe(400);
  });
});

describe('lifecycle (API §3.6)', () => {
  const client = rawClient();

  it('suspends an idle box, after its suspend commands, and leaves suspension out of its usage', async () => {
    const launch_parameters = {
      lifecycle: {
        after_idle: { idle_time_seconds: 1, on_idle: 'suspend' as const },
        lifecycle_hooks: { suspend_commands: ['echo bye >> /home/user/hook', 'exit 3'], suspend_deadline_ms: 10_000 },
      },
    };
    await withBox(client, { launch_parameters }, async ({ id }) => {
      const suspended = await client.devboxes.awaitSuspended(id);
      expect(suspended.shutdown_reason ?? null).toBeNull();
      const before = await client.devboxes.retrieveResourceUsage(id);
      await new Promise((resolve) => setTimeout(resolve, 300));
      const after = await client.devboxes.retrieveResourceUsage(id);
      expect(after.total_active_seconds).toBe(before.total_active_seconds);
      expect(after.disk_gb_seconds).toBeGreaterThan(before.disk_gb_seconds);
      await client.devboxes.resume(id);
      await client.devboxes.awaitRunning(id);
      expect(await output(client, id, 'cat hook')).toBe('bye\n');
    });
  });

  it('lists by the new statuses', async () => {
    await withBox(client, {}, async ({ id }) => {
      await client.devboxes.suspend(id);
      await client.devboxes.awaitSuspended(id);
      const page = await client.devboxes.list({ status: 'suspended', limit: 5_000 });
      expect(page.devboxes.map((box) => box.id)).toContain(id);
      expect(new Set(page.devboxes.map((box) => box.status))).toEqual(new Set(['suspended']));
    });
  });
});
