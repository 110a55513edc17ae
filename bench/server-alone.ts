/**
 * What the control plane adds to one command: `execute` over HTTP on a host in memory that answers at once, against a bare Fastify route that
 * echoes the same JSON. Needs PostgreSQL's binaries, and no running Berth.
 */
import { randomBytes } from 'node:crypto';
import { FakeHost } from '@berth/host/fake';
import Fastify from 'fastify';
import { pino } from 'pino';
import { AccountService } from '../packages/server/src/accounts/service.ts';
import { ApiKeyService } from '../packages/server/src/api-keys/service.ts';
import { migrate } from '../packages/server/src/database/migrate.ts';
import { MasterKey } from '../packages/server/src/secrets/master-key.ts';
import { createServer } from '../packages/server/src/server.ts';
import { TestCluster } from '../packages/server/test/cluster.ts';
import { requestRate } from './support/load.ts';
import { report } from './support/stats.ts';

const total = Number(process.env.TOTAL ?? 20_000);
const connections = Number(process.env.CONCURRENCY ?? 32);

const cluster = await TestCluster.create();
try {
  await migrate(cluster.url());
  const host = new FakeHost({ handler: async () => 0 });
  const server = await createServer({
    databaseUrl: cluster.url(),
    host,
    masterKey: new MasterKey(randomBytes(32)),
    objects: { blobs: '/nonexistent/objects' },
    log: pino({ level: 'silent' }),
  });
  const port = await server.start(0, '127.0.0.1');
  const account = await new AccountService(server.parts.database).create('bench');
  const key = await new ApiKeyService(server.parts.database).create(account.id, {});
  const authorization = `Bearer ${key.key_secret}`;
  const headers = { authorization, 'content-type': 'application/json' };
  const created = await fetch(`http://127.0.0.1:${port}/v1/devboxes/create_and_await_running`, {
    method: 'POST',
    headers,
    body: '{}',
  });
  const { id } = (await created.json()) as { id: string };
  const example = await fetch(`http://127.0.0.1:${port}/v1/devboxes/${id}/execute`, {
    method: 'POST',
    headers,
    body: '{"command":"true"}',
  });
  const answer: unknown = await example.json();

  const bare = Fastify();
  bare.post('/v1/devboxes/:id/execute', () => answer);
  const bareUrl = await bare.listen({ port: 0, host: '127.0.0.1' });
  const barePort = Number(new URL(bareUrl).port);

  const load = {
    path: `/v1/devboxes/${id}/execute`,
    authorization,
    body: '{"command":"true","command_id":"bench-{n}"}',
    connections,
    expect: { status: 'completed', exit_status: 0 },
  };
  // Both are compiled before they are measured.
  await requestRate({ ...load, port: barePort, total: 5_000 });
  await requestRate({ ...load, port, body: load.body.replace('bench-', 'warm-'), total: 5_000 });
  const limit = await requestRate({ ...load, port: barePort, total });
  const rate = await requestRate({ ...load, port, total });
  report('server alone', { 'executions/s': rate, 'bare Fastify/s': limit, connections, ratio: rate / limit });
  await bare.close();
  await server.stop(100);
  await host.close();
} finally {
  await cluster.remove();
}
