import { allRoutes, isSchema, type RouteContract } from '@berth/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestCaller, type TestServer } from '../harness.ts';
import { bodies, forms, type Made, type Recipe, recipes } from './recipes.ts';

/** Every route of the contract, whoever wrote it. */
const routes = allRoutes;

const named = routes.filter((route) => route.path.includes('{'));
const lists = routes.filter(
  (route) => route.method === 'GET' && !route.path.includes('{') && route.access !== 'public',
);

const recipeOf = (route: RouteContract): Recipe => {
  const fitting = Object.keys(recipes)
    .filter((path) => route.path === path || route.path.startsWith(`${path}/`))
    .sort((a, b) => b.length - a.length)[0] as keyof typeof recipes | undefined;
  const recipe = fitting === undefined ? undefined : recipes[fitting];
  if (recipe === undefined) {
    throw new Error(`no recipe makes what ${route.path} names: add one to recipes.ts`);
  }
  return recipe;
};

const fill = (path: string, params: Readonly<Record<string, string>>): string =>
  path.replace(/\{(\w+)\}/g, (_place, name: string) => {
    if (params[name] === undefined) {
      throw new Error(`the recipe of ${path} gives no {${name}}`);
    }
    return encodeURIComponent(params[name]);
  });

/** Status and body, with what the caller itself wrote into the path taken out. */
const ask = async (who: TestCaller, route: RouteContract, params: Readonly<Record<string, string>>, query = '') => {
  const form = forms[route.operationId]?.();
  const body = form ?? (route.method === 'GET' ? undefined : JSON.stringify(bodies[route.operationId] ?? {}));
  const answer = await who.fetch(`${fill(route.path, params)}?${query}`, {
    method: route.method,
    ...(body === undefined ? {} : { body }),
    headers: form === undefined ? { 'content-type': 'application/json' } : {},
    signal: AbortSignal.timeout(10_000),
  });
  let text = await answer.text();
  for (const value of Object.values(params)) {
    text = text.replaceAll(value, '…');
  }
  return { status: answer.status, text };
};

let server: TestServer;
let owner: TestCaller;
let stranger: TestCaller;

beforeAll(async () => {
  server = await startTestServer();
  owner = await server.newCaller('owner');
  stranger = await server.newCaller('stranger');
});
afterAll(() => server.close());

it('knows all routes that the server serves', () => {
  expect(new Set(routes)).toEqual(new Set(server.server.routes.map((route) => route.contract)));
});

describe.each(named.map((route) => [`${route.method} ${route.path}`, route] as const))('%s', (_name, route) => {
  it('has a body that would do something', () => {
    if (isSchema(route.body)) {
      const result = route.body.safeParse(bodies[route.operationId] ?? {});
      expect(result.error?.message, `add a body for ${route.operationId} to recipes.ts`).toBeUndefined();
    } else {
      expect(forms, `add a form for ${route.operationId} to recipes.ts`).toHaveProperty(route.operationId);
    }
  });

  it('looks the same to a stranger as what does not exist, and changes nothing', async () => {
    const recipe = recipeOf(route);
    const made = await recipe.make(owner, server);
    const before = await made.observe();
    const foreign = await ask(stranger, route, made.params, recipe.query);
    const unknown = await ask(stranger, route, recipe.unknown(), recipe.query);
    expect(foreign).toEqual(unknown);
    expect(foreign.status).toBe(recipe.strangerStatus ?? 404);
    expect(await made.observe()).toEqual(before);
  });

  it('does not mix parts of two accounts', async () => {
    const recipe = recipeOf(route);
    const theirs = await recipe.make(owner, server);
    const [first, ...others] = Object.keys(theirs.params);
    if (first === undefined || others.length === 0) {
      return;
    }
    const own: Made = await recipe.make(stranger, server);
    const before = await theirs.observe();
    const mixed = await ask(stranger, route, { ...theirs.params, [first]: own.params[first] ?? '' });
    expect(mixed.status).toBe(404);
    expect(await theirs.observe()).toEqual(before);
  });
});

describe.each(lists.map((route) => [`${route.method} ${route.path}`, route] as const))('%s', (_name, route) => {
  it('shows a stranger nothing of the owner', async () => {
    if (!isSchema(route.response)) {
      return;
    }
    const made = await Promise.all(Object.values(recipes).map((recipe) => recipe.make(owner, server)));
    // One that has nothing of its own, which would look alike.
    const { status, text } = await ask(await server.newCaller('empty'), route, {});
    expect(status).toBe(200);
    for (const value of made.flatMap(({ params }) => Object.values(params))) {
      expect(text).not.toContain(`"${value}"`);
    }
    expect(text).not.toContain(owner.account);
  });
});

describe('every route', () => {
  it.each(
    routes
      .filter((route) => route.access !== 'public')
      .map((route) => [`${route.method} ${route.path}`, route] as const),
  )('asks for a key: %s', async (_name, route) => {
    const params = Object.fromEntries([...route.path.matchAll(/\{(\w+)\}/g)].map((match) => [match[1] ?? '', 'x']));
    const nobody = server.callerWithKey('', 'ak_unknown');
    expect((await ask(nobody, route, params)).status).toBe(401);
  });
});
