import { connect as connectHttp2, constants } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { request, shared } from '../platform/clients.ts';
import { residentBytes } from '../platform/kernel.ts';

const mebibyte = 1024 * 1024;
const healthy = async () => (await request('/healthz', { key: null })).status;

describe('hostile connections', () => {
  it('that open streams only to reset them (CVE-2023-44487) neither stop the server nor fill it', {
    timeout: 60_000,
  }, async () => {
    const before = residentBytes(shared().pids.server);
    for (let round = 0; round < 5; round += 1) {
      const session = connectHttp2(shared().baseUrl);
      session.on('error', () => undefined);
      for (let count = 0; count < 1_000 && !session.destroyed; count += 1) {
        const stream = session.request({ ':path': '/v1/devboxes', authorization: `Bearer ${shared().apiKey}` });
        stream.on('error', () => undefined);
        stream.close(constants.NGHTTP2_CANCEL);
      }
      await new Promise<void>((resolve) => {
        session.once('close', () => resolve());
        session.close();
      });
      expect(await healthy()).toBe(200);
    }
    expect(residentBytes(shared().pids.server) - before).toBeLessThan(96 * mebibyte);
  });

  it('that say nothing, or half a head, keep nobody out', async () => {
    const open = (text: string) =>
      new Promise<Socket>((resolve, reject) => {
        const socket = connect(shared().port, '127.0.0.1', () => {
          socket.write(text);
          resolve(socket);
        });
        socket.once('error', reject);
      });
    const texts = ['', 'G', 'PRI * HT', 'GET /v1/devboxes HTTP/1.1\r\nx-half: '];
    const sockets = await Promise.all(Array.from({ length: 400 }, (_, index) => open(texts[index % 4] ?? '')));
    for (const socket of sockets) {
      socket.on('error', () => undefined);
    }
    expect(await healthy()).toBe(200);
    for (const socket of sockets) {
      socket.destroy();
    }
  });

  it('that are pipelined, or smuggle a second request, get what each request deserves', async () => {
    const answer = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect(shared().port, '127.0.0.1', () =>
        socket.end(
          'POST /v1/devboxes HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n' +
            'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n',
        ),
      );
      socket.on('data', (data) => {
        text += data.toString('latin1');
      });
      socket.on('error', () => undefined);
      socket.once('close', () => resolve(text));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d/);
    expect(answer).not.toMatch(/HTTP\/1\.1 200/);
  });
});
