import { operationRoutes as contract } from '@berth/contract';
import { type Route, route } from '../http/route.ts';
import type { Metrics } from './metrics.ts';

/** `/metrics`. */
export const metricsRoutes = (metrics: Metrics): Route[] => [route(contract.metrics, () => metrics.text())];
