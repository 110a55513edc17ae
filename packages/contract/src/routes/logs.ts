import { logEntry, logsQuery, logsView } from '../logs.ts';
import { defineRoute } from '../route.ts';
import { byDevbox, readDevboxes } from './devbox-parts.ts';

const common = { method: 'GET', tag: 'logs', access: readDevboxes, ...byDevbox, query: logsQuery } as const;

/** Logs of a box (API §6). */
export const logRoutes = {
  list: defineRoute({
    ...common,
    path: '/v1/devboxes/{id}/logs',
    operationId: 'listDevboxLogs',
    summary: 'Log of a devbox, oldest first',
    response: logsView,
  }),
  tail: defineRoute({
    ...common,
    path: '/v1/devboxes/{id}/logs/tail',
    operationId: 'tailDevboxLogs',
    summary: 'Log of a devbox as it grows',
    response: { kind: 'sse', event: logEntry },
  }),
};
