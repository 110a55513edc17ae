import type { Host } from '@berth/host/contract';
import { FakeHost } from '@berth/host/fake';
import { expect } from 'vitest';
import { startTestServer, type TestCaller, type TestServer, type TestServerOptions } from '../harness.ts';

/** Short pauses, so that tests of retries are quick. */
export const quickReconciler = { firstPauseMs: 5 } as const;

export interface DevboxServer extends TestServer {
  readonly host: FakeHost;
  readonly caller: TestCaller;
}

/** A server over a fake host, with one caller. */
export const startDevboxServer = async (options: TestServerOptions & { readonly host?: FakeHost } = {}) => {
  const host = options.host ?? new FakeHost();
  const server = await startTestServer({ ...options, host, reconciler: { ...quickReconciler, ...options.reconciler } });
  return { ...server, host, caller: await server.newCaller() } satisfies DevboxServer;
};

// biome-ignore lint/suspicious/noExplicitAny: views of every shape
type View = any;

/** Waits for one of the statuses, however many long polls it takes. */
export const waitFor = async (caller: TestCaller, id: string, ...statuses: string[]): Promise<View> => {
  for (;;) {
    const answer = await caller.call('POST', `/v1/devboxes/${id}/wait_for_status`, { statuses });
    if (answer.status !== 408) {
      expect(answer.status).toBe(200);
      return answer.json;
    }
  }
};

/** Creates a box and waits until it runs. Returns its id. */
export const runningBox = async (caller: TestCaller, wish: Record<string, unknown> = {}): Promise<string> => {
  const created = await caller.call('POST', '/v1/devboxes', wish);
  expect(created.status).toBe(200);
  const view = await waitFor(caller, created.json.id, 'running', 'failure', 'shutdown');
  expect(view).toMatchObject({ status: 'running' });
  return created.json.id;
};

/** Runs a command and returns the answer's body. */
export const execute = async (
  caller: TestCaller,
  id: string,
  command: string,
  more: Record<string, unknown> = {},
): Promise<View> => {
  const answer = await caller.call('POST', `/v1/devboxes/${id}/execute`, { command, ...more });
  expect(answer.status).toBe(200);
  return answer.json;
};

/** Repeats a look until it is true: for what no wait of the API tells. */
export const eventually = async (look: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await look())) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

/** A host that a crashed server no longer reaches: after `cut`, no call of this handle ever settles, and none goes through. */
export const severable = (host: Host): { readonly host: Host; readonly calls: string[]; cut(): void } => {
  let isCut = false;
  const calls: string[] = [];
  const never = () => new Promise<never>(() => undefined);
  const silent: AsyncIterable<never> = { [Symbol.asyncIterator]: () => ({ next: never }) };
  const proxy = new Proxy(host, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') {
        return member;
      }
      return (...args: unknown[]) => {
        if (isCut) {
          return name === 'events' ? silent : never();
        }
        calls.push(String(name));
        const result: unknown = Reflect.apply(member, target, args);
        return result instanceof Promise
          ? result.then(
              (value) => (isCut ? never() : value),
              (error) => (isCut ? never() : Promise.reject(error)),
            )
          : result;
      };
    },
  });
  return {
    host: proxy,
    calls,
    cut: () => {
      isCut = true;
    },
  };
};

/** Ends the server as `kill -9` would: nothing is finished, nothing is written any more. */
export const crash = async (server: TestServer, handle: { cut(): void }): Promise<void> => {
  handle.cut();
  await Promise.all([
    server.server.frontDoor.close(0),
    server.server.parts.hub.close(),
    server.server.parts.database.destroy(),
  ]);
};
