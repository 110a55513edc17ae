import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { output, useBox } from '../platform/boxes.ts';
import { request, shared } from '../platform/clients.ts';
import { residentBytes } from '../platform/kernel.ts';
import { openRequest } from '../platform/wire.ts';

const mebibyte = 1024 * 1024;

describe('uploads that go wrong', () => {
  const box = useBox();
  const boundary = 'xxBOUNDARYxx';
  const head = (path: string) =>
    `--${boundary}\r\ncontent-disposition: form-data; name="path"\r\n\r\n${path}\r\n` +
    `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="f"\r\ncontent-type: application/octet-stream\r\n\r\n`;
  const begin = (lengthBytes: number) =>
    openRequest(shared(), 'POST', `/v1/devboxes/${box.id}/upload_file`, {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      'content-length': String(lengthBytes),
    });

  it('half sent, leave the old file as it was and nothing beside it', async () => {
    await box.client.devboxes
      .writeFileContents(box.id, { file_path: '/tmp/half/file', contents: 'old' })
      .catch(async () => {
        await output(box.client, box.id, 'mkdir -p /tmp/half && printf old > /tmp/half/file');
      });
    for (const sentBytes of [0, 1_000, 3 * mebibyte]) {
      const socket = await begin(10 * mebibyte);
      socket.write(head('/tmp/half/file'));
      socket.write(Buffer.alloc(sentBytes, 'n'));
      await sleep(300);
      socket.destroy();
      await sleep(300);
    }
    expect(await output(box.client, box.id, 'cat /tmp/half/file; ls -A /tmp/half')).toBe('oldfile\n');
  });

  it('many half-open ones hold nobody up', async () => {
    const sockets = await Promise.all(Array.from({ length: 50 }, () => begin(mebibyte)));
    for (const socket of sockets) {
      socket.write(head('/tmp/open'));
    }
    expect(await output(box.client, box.id, 'echo alive')).toBe('alive\n');
    for (const socket of sockets) {
      socket.destroy();
    }
  });

  it('to a full disk say so, and leave nothing', { timeout: 300_000 }, async () => {
    await output(box.client, box.id, 'head -c 8G /dev/zero > /tmp/filler 2>/dev/null; df /tmp >/dev/null');
    const form = new FormData();
    form.append('path', '/tmp/nospace');
    form.append('file', new Blob([Buffer.alloc(8 * mebibyte)]));
    const answer = await fetch(`${shared().baseUrl}/v1/devboxes/${box.id}/upload_file`, {
      method: 'POST',
      body: form,
      headers: { authorization: `Bearer ${shared().apiKey}` },
    });
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as { message: string }).message).toMatch(/space|quota/i);
    expect(await output(box.client, box.id, 'rm -f /tmp/filler; sync; ls /tmp/nospace 2>/dev/null || echo none')).toBe(
      'none\n',
    );
  });

  it('with absurd boundaries, headers and parts get an answer', async () => {
    const bodies: ReadonlyArray<readonly [string, string]> = [
      ['multipart/form-data', 'x'],
      ['multipart/form-data; boundary=', 'x'],
      [`multipart/form-data; boundary=${'b'.repeat(5_000)}`, 'x'],
      [`multipart/form-data; boundary=${boundary}`, 'no boundary at all'],
      [`multipart/form-data; boundary=${boundary}`, `--${boundary}\r\n${'x-header: y\r\n'.repeat(5_000)}\r\n`],
      [`multipart/form-data; boundary=${boundary}`, `--${boundary}--\r\n`],
      [`multipart/form-data; boundary=${boundary}`, head('x'.repeat(mebibyte))],
    ];
    for (const [type, body] of bodies) {
      const answer = await request(`/v1/devboxes/${box.id}/upload_file`, {
        method: 'POST',
        body,
        headers: { 'content-type': type },
      });
      expect([type.slice(0, 40), Math.floor(answer.status / 100)]).toEqual([type.slice(0, 40), 4]);
    }
  });
});

describe('bodies without an end', () => {
  it('are refused beyond a bound, and the memory stays flat', { timeout: 120_000 }, async () => {
    const before = residentBytes(shared().pids.server);
    const statuses: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      const socket = await openRequest(shared(), 'POST', '/v1/devboxes', {
        'content-type': 'application/json',
        'transfer-encoding': 'chunked',
      });
      let answer = '';
      socket.on('data', (data) => {
        answer += data.toString('latin1');
      });
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(mebibyte, ' '), Buffer.from('\r\n')]);
      for (let sent = 0; sent < 100 && !socket.destroyed && answer === ''; sent += 1) {
        await new Promise<void>((resolve) => socket.write(chunk, () => resolve()));
      }
      socket.destroy();
      await closed;
      statuses.push(answer.slice(9, 12));
    }
    expect(statuses.every((status) => status === '413' || status === '400' || status === '')).toBe(true);
    expect(residentBytes(shared().pids.server) - before).toBeLessThan(128 * mebibyte);
  });
});
