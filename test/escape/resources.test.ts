import { describe, expect, it } from 'vitest';
import { output, run, useBox, withBox } from '../platform/boxes.ts';
import { rawClient, sandboxed } from '../platform/clients.ts';

describe('one box eats all it can, its neighbour goes on', () => {
  const neighbour = useBox();
  const client = rawClient();
  const small = { launch_parameters: { resource_size_request: 'X_SMALL' } } as const;
  const neighbourAnswers = async () =>
    expect(await output(neighbour.client, neighbour.id, 'echo neighbour')).toBe('neighbour\n');

  it('a fork bomb meets the limit of processes (CWE-400)', {
    timeout: 120_000,
  }, async () => {
    await withBox(client, small, async ({ id }) => {
      const bomb = await client.devboxes.executeAsync(id, { command: 'f() { f | f & }; f; sleep 3' });
      for (let beat = 0; beat < 5; beat += 1) {
        await neighbourAnswers();
      }
      await client.devboxes.executions.kill(id, bomb.execution_id, { kill_process_group: true });
    });
    await neighbourAnswers();
  });

  it('a memory hog is ended, with out of memory as the cause (CWE-770, CVE-2020-8551: memory of a neighbour or the node)', {
    timeout: 120_000,
  }, async () => {
    await withBox(client, small, async ({ id }) => {
      const hog = await run(
        client,
        id,
        'python3 -c "x = bytearray(3 * 1024 ** 3)\nfor i in range(0, len(x), 4096): x[i] = 1"',
      );
      // A sandbox ends as a whole, so nobody saw how the program ended.
      expect(hog.exit_status).toBe(sandboxed() ? null : 137);
      await neighbourAnswers();
      const { logs } = await client.devboxes.logs.list(id);
      expect(JSON.stringify(logs)).toMatch(/out of memory|out_of_memory|used up its memory/i);
      const view = await client.devboxes.retrieve(id);
      expect(['running', 'failure']).toContain(view.status);
      if (view.status === 'failure') {
        expect(view.failure_reason).toBe('out_of_memory');
      }
    });
  });

  it('a disk filler meets its quota, and the box can be used and deleted (CVE-2020-8557: a container fills the disk of its node)', {
    timeout: 120_000,
  }, async () => {
    await withBox(client, small, async ({ id }) => {
      const filled = await run(client, id, 'dd if=/dev/zero of=/tmp/fill bs=4M count=1536');
      expect(filled.exit_status).not.toBe(0);
      expect(filled.stderr).toMatch(/No space left|quota exceeded/i);
      expect(await output(client, id, 'echo alive')).toBe('alive\n');
      await neighbourAnswers();
      expect(
        await output(neighbour.client, neighbour.id, 'head -c 10M /dev/zero > /tmp/ten && stat -c %s /tmp/ten'),
      ).toBe(`${10 * 1024 * 1024}\n`);
      expect(await output(client, id, 'rm /tmp/fill && echo freed')).toBe('freed\n');
    });
  });

  it('running out of descriptors harms only who did it (CWE-774)', { timeout: 60_000 }, async () => {
    await withBox(client, small, async ({ id }) => {
      const script =
        'import os\nfds = []\ntry:\n  while True: fds.append(os.open("/dev/null", 0))\nexcept OSError as e: print(e.errno)';
      expect(await output(client, id, `python3 -c '${script}'`)).toBe('24\n');
      expect(await output(client, id, 'echo alive')).toBe('alive\n');
      await neighbourAnswers();
    });
  });

  it('a hundred thousand files are deleted with the box (CVE-2020-8557 kin: the inodes of the node)', {
    timeout: 120_000,
  }, async () => {
    await withBox(client, small, async ({ id }) => {
      const script =
        'import os\nos.makedirs("/tmp/many")\nfor i in range(100000): open(f"/tmp/many/{i}", "w").close()\nprint(len(os.listdir("/tmp/many")))';
      const many = await run(client, id, `python3 -c '${script}'`);
      expect(many.stdout === '100000\n' || /space|quota/i.test(many.stderr ?? '')).toBe(true);
      await neighbourAnswers();
    });
  });

  it('endless output to nobody is held back, not kept in memory (CVE-2022-31030: memory of the runtime through exec)', {
    timeout: 120_000,
  }, async () => {
    await withBox(client, small, async ({ id }) => {
      const flood = await client.devboxes.executeAsync(id, { command: 'timeout 5 cat /dev/zero | tr "\\0" y' });
      await neighbourAnswers();
      expect(await output(client, id, 'echo alive')).toBe('alive\n');
      await client.devboxes.executions.kill(id, flood.execution_id, { kill_process_group: true });
      await client.devboxes.executions.awaitCompleted(id, flood.execution_id);
    });
  });

  it('threads, sockets and timers by the thousand end with the box (CWE-400)', { timeout: 60_000 }, async () => {
    await withBox(client, small, async ({ id }) => {
      const script =
        'import socket, threading, time\nopened = []\ntry:\n  for i in range(900): opened.append(socket.socket())\n  for i in range(200): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\nexcept Exception: pass\nprint("up", flush=True)\ntime.sleep(60)';
      await client.devboxes.executeAsync(id, { command: `python3 -c '${script}'` });
      await neighbourAnswers();
    });
  });
});
