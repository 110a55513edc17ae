import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { output, useBox } from '../platform/boxes.ts';
import { request, shared } from '../platform/clients.ts';
import { residentBytes } from '../platform/kernel.ts';
import { events, openRequest } from '../platform/wire.ts';

const mebibyte = 1024 * 1024;
const sizeBytes = 100 * mebibyte;
/** 100 MiB that no compressor or cache can fake: numbered lines. */
const numbers = `seq -f '%015.0f' 1 ${sizeBytes / 16}`;
/** What a process may grow by while 100 MiB flow through it; far below what holding them would take. */
const flatBytes = 64 * mebibyte;

describe('100 MiB of stdout', () => {
  const box = useBox('http2', { launch_parameters: { resource_size_request: 'MEDIUM' } });
  const path = (id: string, offset = 0) =>
    `/v1/devboxes/${box.id}/executions/${id}/stream_stdout_updates?offset=${offset}`;
  const memory = () => ({ server: residentBytes(shared().pids.server), host: residentBytes(shared().pids.host) });

  it('are exact, and leave the memory of server and host flat', { timeout: 300_000 }, async () => {
    const before = memory();
    const peak = { ...before };
    const watch = setInterval(() => {
      const now = memory();
      peak.server = Math.max(peak.server, now.server);
      peak.host = Math.max(peak.host, now.host);
    }, 100);
    const { execution_id } = await box.client.devboxes.executeAsync(box.id, { command: numbers });
    const hash = createHash('sha256');
    let last = 0;
    let length = 0;
    for await (const event of events(await request(path(execution_id)))) {
      hash.update(event.output);
      length += Buffer.byteLength(event.output);
      expect(event.offset).toBe(length);
      last = event.offset;
    }
    clearInterval(watch);
    expect(last).toBe(sizeBytes);
    const sum = await output(box.client, box.id, `${numbers} | sha256sum | cut -d' ' -f1`);
    expect(`${hash.digest('hex')}\n`).toBe(sum);
    expect(peak.server - before.server).toBeLessThan(flatBytes);
    expect(peak.host - before.host).toBeLessThan(flatBytes);
    const middle = sizeBytes / 2;
    for await (const event of events(await request(path(execution_id, middle)))) {
      expect(event.output.startsWith(`${String(middle / 16 + 1).padStart(15, '0')}\n`)).toBe(true);
      break;
    }
    const view = await box.client.devboxes.executions.retrieve(box.id, execution_id, { last_n: '2' });
    expect(view).toMatchObject({
      exit_status: 0,
      stdout: '000000006553599\n000000006553600\n',
      stdout_truncated: true,
    });
  });

  it('in one single line are exact in number, and the view stays small', { timeout: 300_000 }, async () => {
    const command = `head -c ${20 * mebibyte} /dev/zero | tr '\\0' x`;
    const { execution_id } = await box.client.devboxes.executeAsync(box.id, { command });
    await box.client.devboxes.executions.awaitCompleted(box.id, execution_id);
    const answer = await request(`/v1/devboxes/${box.id}/executions/${execution_id}`);
    expect((await answer.arrayBuffer()).byteLength).toBeLessThan(18 * mebibyte);
    let length = 0;
    for await (const event of events(await request(path(execution_id)))) {
      length += event.output.length;
    }
    expect(length).toBe(20 * mebibyte);
  });

  it('that nobody reads hold nothing up: not the server, not the other readers', { timeout: 300_000 }, async () => {
    const { execution_id } = await box.client.devboxes.executeAsync(box.id, { command: numbers });
    const before = memory();
    const lazy = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = await openRequest(shared(), 'GET', path(execution_id));
        socket.pause();
        return socket;
      }),
    );
    await box.client.devboxes.executions.awaitCompleted(box.id, execution_id);
    await sleep(500);
    const during = memory();
    expect(during.server - before.server).toBeLessThan(2 * flatBytes);
    expect(during.host - before.host).toBeLessThan(2 * flatBytes);
    expect(await output(box.client, box.id, 'echo alive')).toBe('alive\n');
    for (const socket of lazy) {
      socket.destroy();
    }
  });
});

describe('output that is no text', () => {
  const box = useBox();

  it('keeps true offsets, and replaces what is not UTF-8 the same way however it was cut', async () => {
    const script = 'import random,sys;sys.stdout.buffer.write(random.Random(11).randbytes(300000))';
    const { execution_id } = await box.client.devboxes.executeAsync(box.id, {
      command: `python3 -c '${script}' | tee copy`,
    });
    await box.client.devboxes.executions.awaitCompleted(box.id, execution_id);
    const answer = await box.client.devboxes.downloadFile(box.id, { path: 'copy' });
    const bytes = Buffer.from(await answer.arrayBuffer());
    let text = '';
    let offset = 0;
    const streamPath = `/v1/devboxes/${box.id}/executions/${execution_id}/stream_stdout_updates?offset=0`;
    for await (const event of events(await request(streamPath))) {
      text += event.output;
      offset = event.offset;
    }
    expect(offset).toBe(300_000);
    expect(text === bytes.toString('utf8')).toBe(true);
  });
});
