import { once } from 'node:events';
import http2 from 'node:http2';
import { defineRoute } from '@berth/contract';
import { expect, it } from 'vitest';
import { z } from 'zod';
import type { NotificationHub } from '../../src/database/notifications.ts';
import { longPoll } from '../../src/http/long-poll.ts';
import { route } from '../../src/http/route.ts';
import { startTestServer, type TestServer } from '../harness.ts';
import { eventRoute, workRoute } from '../probe-routes.ts';
import { connect } from './socket.ts';

const start = async (): Promise<{ server: TestServer; arrived: () => Promise<void>; release: () => void }> => {
  let arrivals = 0;
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const hub: { current?: NotificationHub } = {};
  const poll = route(
    defineRoute({
      method: 'POST',
      path: '/probe/poll',
      operationId: 'probePoll',
      summary: 'poll',
      tag: 'probe',
      access: { resource: 'DEVBOXES', level: 'READ' },
      idempotency: 'token',
      response: z.unknown(),
    }),
    (call) => {
      arrivals += 1;
      if (hub.current === undefined) {
        throw new Error('no hub');
      }
      return longPoll(hub.current, call, { topics: ['never'], timeoutMs: 60_000, check: async () => undefined });
    },
  );
  const server = await startTestServer({
    extraRoutes: [
      poll,
      workRoute('/probe/slow', async () => {
        arrivals += 1;
        await gate;
        return { done: true };
      }),
      eventRoute('/probe/events', async function* (signal) {
        yield 1;
        arrivals += 1;
        await once(signal, 'abort');
      }),
    ],
  });
  hub.current = server.server.parts.hub;
  return {
    server,
    arrived: () =>
      expect
        .poll(() => arrivals)
        .toBe(1)
        .then(() => undefined),
    release,
  };
};

it('answers long polls with 408, so that clients ask the next server', async () => {
  const { server, arrived } = await start();
  const caller = await server.newCaller();
  const waiting = caller.call('POST', '/probe/poll', '');
  await arrived();
  await server.close();
  expect((await waiting).status).toBe(408);
});

it('ends streams with a 408 event, so that clients resume', async () => {
  const { server, arrived } = await start();
  const caller = await server.newCaller();
  const answer = await caller.fetch('/probe/events');
  await arrived();
  const text = answer.text();
  await server.close();
  expect(await text).toMatch(/^data: 1\n\nevent: error\ndata: \{"code":408,.*\}\n\n$/);
});

it('lets a running request end', async () => {
  const { server, arrived, release } = await start();
  const caller = await server.newCaller();
  const working = caller.call('POST', '/probe/slow', {});
  await arrived();
  const closed = server.close();
  release();
  expect((await working).json).toEqual({ done: true });
  await closed;
});

it('breaks what does not end in time, and closes idle connections of every kind', async () => {
  const { server, arrived } = await start();
  const caller = await server.newCaller();
  const session = http2.connect(server.baseUrl);
  session.on('error', () => undefined);
  await once(session, 'connect');
  const silent = await connect(server.port);
  silent.on('error', () => undefined);
  silent.resume();
  const stuck = caller.call('POST', '/probe/slow', {});
  stuck.catch(() => undefined);
  await arrived();
  await server.close();
  await expect(stuck).rejects.toThrow();
  expect(server.server.frontDoor.connections).toBe(0);
  silent.destroy();
  session.destroy();
});
