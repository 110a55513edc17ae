import { operationRoutes as contract } from '@berth/contract';
import { apiError } from '../errors/api-error.ts';
import { type Route, route } from '../http/route.ts';
import type { HealthService } from './service.ts';

/** `/healthz` and `/readyz`. */
export const healthRoutes = (health: HealthService): Route[] => [
  route(contract.health, () => ({ status: 'ok' as const })),
  route(contract.ready, async () => {
    const readiness = await health.readiness();
    if (!readiness.ready) {
      const away = Object.entries(readiness.checks)
        .filter(([, check]) => !check.ok)
        .map(([name, check]) => `${name}: ${check.detail ?? 'not ok'}`);
      throw apiError('notReady', { problem: away.join('; ') });
    }
    return readiness;
  }),
];
