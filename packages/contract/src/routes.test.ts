import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { allRoutes, apiMarkdown, isSchema, notYetRoutes } from './index.ts';
import * as tables from './routes/index.ts';

const shape = (route: { readonly method: string; readonly path: string }): string =>
  `${route.method} ${route.path.replaceAll(/\{\w+\}/g, '{}')}`;

/** Every request of the official client, read from its own source. */
const requestsOfClient = (): string[] => {
  const resources = new URL('../../../node_modules/@runloop/api-client/resources/', import.meta.url);
  const sources = readdirSync(resources, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .map((name) => readFileSync(new URL(name, resources), 'utf8'));
  const methods: Record<string, string> = { getAPIList: 'GET' };
  return sources.flatMap((source) =>
    [...source.matchAll(/_client\.(getAPIList|get|post|put|patch|delete)\(\s*[`'"](\/[^`'"]+)[`'"]/g)].map((match) => {
      const method = match[1] ?? '';
      return `${methods[method] ?? method.toUpperCase()} ${(match[2] ?? '').replaceAll(/\$\{\w+\}/g, '{}')}`;
    }),
  );
};

describe('the route tables', () => {
  it('hold every endpoint of the official client, served or announced', () => {
    const known = new Set([...allRoutes, ...notYetRoutes].map(shape));
    const wanted = [...new Set(requestsOfClient())];
    expect(wanted.length).toBeGreaterThan(100);
    expect(wanted.filter((request) => !known.has(request))).toEqual([]);
  });

  it('hold nothing twice', () => {
    const all = [...allRoutes, ...notYetRoutes].map(shape);
    expect(all.filter((route, index) => all.indexOf(route) !== index)).toEqual([]);
  });

  it('are all part of the list of all routes', () => {
    const listed = new Set(allRoutes);
    for (const table of Object.values(tables)) {
      for (const route of Object.values(table)) {
        if ('operationId' in route) {
          expect(listed.has(route), route.operationId).toBe(true);
        }
      }
    }
  });

  it.each(allRoutes.map((route) => [`${route.method} ${route.path}`, route] as const))(
    '%s is whole',
    (_name, route) => {
      const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      const schema = route.params as z.ZodObject;
      expect(new Set(Object.keys(schema.shape))).toEqual(new Set(inPath));
      expect(route.operationId).toMatch(/^[a-z][A-Za-z]+$/);
      expect(route.summary).not.toMatch(/\.$/);
      if (route.method === 'GET') {
        expect(isSchema(route.body)).toBe(true);
      }
      for (const name of Object.keys(route.ids ?? {})) {
        expect(inPath).toContain(name);
      }
    },
  );
});

describe('docs/API.md', () => {
  it('is what scripts/write-api-document.ts writes', () => {
    const document = readFileSync(new URL('../../../docs/API.md', import.meta.url), 'utf8');
    expect(document).toBe(apiMarkdown(allRoutes, notYetRoutes));
  });
});
