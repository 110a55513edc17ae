import { randomBytes } from 'node:crypto';
import type { Host } from '@berth/host/contract';
import { FakeHost } from '@berth/host/fake';
import { afterEach } from 'vitest';
import { MasterKey } from '../../src/secrets/master-key.ts';
import { createTestDatabase, type TestDatabase } from '../database.ts';
import { startTestServer, type TestCaller, type TestServer, type TestServerOptions } from '../harness.ts';
import { crash, quickReconciler, severable } from './kit.ts';

const masterKey = new MasterKey(randomBytes(32));
const cleanUps: Array<() => Promise<void>> = [];

/** Done after the test, the latest first. */
export const atEnd = (cleanUp: () => Promise<void>): void => {
  cleanUps.push(cleanUp);
};

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) {
    await cleanUp();
  }
});

/** What a server works on. */
export interface World {
  readonly database: TestDatabase;
  readonly fake: FakeHost;
}

/** A database and a fake host, which outlive servers. Gone after the test. */
export const newWorld = async (fake = new FakeHost()): Promise<World> => {
  const database = await createTestDatabase();
  atEnd(() => database.drop());
  return { database, fake };
};

/** One life of the server process. */
export interface Run {
  readonly server: TestServer;
  readonly caller: TestCaller;
  readonly calls: readonly string[];
  kill(): Promise<void>;
}

/** Starts a server. A `host` may hinder what passes between server and fake host. */
export const run = async (
  world: World,
  previous?: Run,
  host: Host = world.fake,
  admission: TestServerOptions['admission'] = {},
): Promise<Run> => {
  const handle = severable(host);
  const server = await startTestServer({
    host: handle.host,
    databaseUrl: world.database.url,
    masterKey,
    reconciler: quickReconciler,
    admission,
  });
  const caller =
    previous === undefined
      ? await server.newCaller()
      : server.callerWithKey(previous.caller.account, previous.caller.key);
  let isDead = false;
  const kill = async (): Promise<void> => {
    if (!isDead) {
      isDead = true;
      await crash(server, handle);
    }
  };
  atEnd(kill);
  return { server, caller, calls: handle.calls, kill };
};

/** A host whose method stands still, before or after it has had its effect, from the n-th call on. */
export const standingStill = (
  host: Host,
  method: keyof Host,
  when: 'before' | 'after',
  skip = 0,
): { host: Host; reached: Promise<void> } => {
  let left = skip;
  let reach: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const proxy = new Proxy(host, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') {
        return member;
      }
      return async (...args: unknown[]) => {
        if (name !== method || left-- > 0) {
          return Reflect.apply(member, target, args);
        }
        if (when === 'after') {
          await Reflect.apply(member, target, args);
        }
        reach();
        return new Promise(() => undefined);
      };
    },
  });
  // `events` and `output` are no promises.
  const host_ = new Proxy(proxy, {
    get: (target, name) =>
      ['events', 'output', 'followLogs', 'buildLog'].includes(String(name))
        ? (...args: unknown[]) => Reflect.apply(Reflect.get(host, name), host, args)
        : Reflect.get(target, name),
  });
  return { host: host_, reached };
};
