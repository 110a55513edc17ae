import { randomBytes } from 'node:crypto';
import { type FakeCommandContext, FakeHost } from '@berth/host/fake';
import { expect } from 'vitest';
import { MasterKey } from '../../src/secrets/master-key.ts';
import { crash, quickReconciler, severable, waitFor } from '../devboxes/kit.ts';
import type { World } from '../devboxes/restart-kit.ts';
import { startTestServer, type TestCaller, type TestServer, type TestServerOptions } from '../harness.ts';

const masterKey = new MasterKey(randomBytes(32));

/** A host whose boxes remember every command, and end it as `ending` says: with 0 when nothing is said. */
export const recording = (ending: (context: FakeCommandContext) => number = () => 0) => {
  const commands: string[] = [];
  const fake = new FakeHost({
    handler: async (context) => {
      commands.push(context.command);
      return ending(context);
    },
  });
  return { commands, fake, count: (part: string) => commands.filter((command) => command.includes(part)).length };
};

/** A server over the host; all servers of a file have the same key. */
export const startServer = async (
  world: World,
  host: Parameters<typeof severable>[0],
  options: Pick<TestServerOptions, 'mountCacheBytes' | 'repositories' | 'databaseUrl'> = {},
) => {
  const handle = severable(host);
  const server = await startTestServer({
    host: handle.host,
    databaseUrl: world.database.url,
    masterKey,
    reconciler: quickReconciler,
    ...options,
  });
  return { server, handle, kill: () => crash(server, handle) };
};

/** Makes a box: its status once it is settled, id, and why it failed. */
export const settled = async (caller: TestCaller, wish: Record<string, unknown>) => {
  const { id } = (await caller.call('POST', '/v1/devboxes', wish)).json;
  return waitFor(caller, id, 'running', 'failure');
};

/** Makes a box that has to run. */
export const running = async (caller: TestCaller, wish: Record<string, unknown>): Promise<string> => {
  const { id, status } = await settled(caller, wish);
  expect(status).toBe('running');
  return id;
};

/** Rows of layers. */
export const layers = async ({ server }: TestServer) =>
  server.parts.database.selectFrom('mount_layers').selectAll().execute();
