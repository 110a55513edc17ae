import { z } from 'zod';
import { defineRoute } from '../route.ts';

const tag = 'operations';

const check = z.object({ ok: z.boolean(), detail: z.string().optional() });

/** What a server says of its readiness: each part by name. */
export const readiness = z.object({ ready: z.boolean(), checks: z.record(z.string(), check) });
export type Readiness = z.output<typeof readiness>;

/** Routes for operators and tools; they need no key. */
export const operationRoutes = {
  health: defineRoute({
    method: 'GET',
    path: '/healthz',
    operationId: 'getHealth',
    summary: 'The process answers',
    tag,
    access: 'public',
    response: z.object({ status: z.literal('ok') }),
  }),
  ready: defineRoute({
    method: 'GET',
    path: '/readyz',
    operationId: 'getReadiness',
    summary: 'Database and host can be reached; 503 when not',
    tag,
    access: 'public',
    response: readiness,
  }),
  metrics: defineRoute({
    method: 'GET',
    path: '/metrics',
    operationId: 'getMetrics',
    summary: 'Metrics in the Prometheus text format',
    tag,
    access: 'public',
    response: { kind: 'text' },
  }),
  openApi: defineRoute({
    method: 'GET',
    path: '/openapi.json',
    operationId: 'getOpenApi',
    summary: 'This API as an OpenAPI 3.1 document',
    tag,
    access: 'public',
    response: z.record(z.string(), z.unknown()),
  }),
};
