import { defineRoute, type NotYetRoute } from '@berth/contract';
import { apiError } from '../errors/api-error.ts';
import { type Route, route } from './route.ts';

/** Routes that say clearly that this version does not serve them. A key is needed all the same. */
export const notYetRoutes = (table: readonly NotYetRoute[]): Route[] =>
  table.map(({ method, path, feature }, index) =>
    route(
      defineRoute({
        method,
        path,
        operationId: `notYet${index}`,
        summary: feature,
        tag: 'not yet',
        access: { resource: 'ACCOUNT', level: 'READ' },
        idempotency: 'token',
        response: { kind: 'empty' },
      }),
      () => {
        throw apiError('notImplemented', { feature });
      },
    ),
  );
