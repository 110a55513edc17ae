import { expect } from 'vitest';
import type { TestCaller } from '../harness.ts';

export const base = '/v1/blueprints';

// biome-ignore lint/suspicious/noExplicitAny: views of every shape
type View = any;

export const viewOf = async (caller: TestCaller, id: string): Promise<View> =>
  (await caller.call('GET', `${base}/${id}`)).json;

/** Waits until the blueprint has one of the statuses. */
export const untilStatus = async (caller: TestCaller, id: string, ...statuses: string[]): Promise<View> => {
  for (;;) {
    const view = await viewOf(caller, id);
    if (statuses.includes(view.status)) {
      return view;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

/** Begins a build. Returns the id. */
export const begin = async (caller: TestCaller, wish: Record<string, unknown> = {}): Promise<string> => {
  const created = await caller.call('POST', base, { name: 'test', ...wish });
  expect(created.json).toMatchObject({ id: expect.stringMatching(/^bpt_[0-9A-Za-z]{21}$/) });
  return created.json.id;
};

/** Builds and waits for the end, whatever that is. */
export const built = async (caller: TestCaller, wish: Record<string, unknown> = {}): Promise<View> =>
  untilStatus(caller, await begin(caller, wish), 'build_complete', 'failed');
