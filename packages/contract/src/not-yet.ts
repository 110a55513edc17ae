import type { RouteContract } from './route.ts';

/** One endpoint of the API that a later version brings. It answers 501 and names the feature. */
export interface NotYetRoute {
  readonly method: RouteContract['method'];
  readonly path: RouteContract['path'];
  readonly feature: string;
}

const feature = (name: string, ...endpoints: readonly `${RouteContract['method']} /${string}`[]): NotYetRoute[] =>
  endpoints.map((endpoint) => {
    const [method, path] = endpoint.split(' ') as [RouteContract['method'], RouteContract['path']];
    return { method, path, feature: name };
  });

const crud = (base: string, ...extra: readonly `${RouteContract['method']} /${string}`[]) =>
  [
    `POST ${base}`,
    `GET ${base}`,
    `GET ${base}/{id}`,
    `POST ${base}/{id}`,
    ...extra,
  ] as `${RouteContract['method']} /${string}`[];

const metadata = (base: string) =>
  [`GET ${base}/metadata/keys`, `GET ${base}/metadata/keys/{key}/values`] as `GET /${string}`[];

/** Endpoints of the Runloop API that Berth knows and does not serve yet (docs/API.md lists them). */
export const notYetRoutes: readonly NotYetRoute[] = [
  ...feature(
    'tunnels',
    'POST /v1/devboxes/{id}/enable_tunnel',
    'POST /v1/devboxes/{id}/remove_tunnel',
    'POST /v1/devboxes/{id}/create_tunnel',
  ),
  ...feature('SSH access', 'POST /v1/devboxes/{id}/create_ssh_key'),
  ...feature(
    'terminals (PTY)',
    'POST /v1/devboxes/{id}/create_pty_tunnel',
    'GET /pty/{session}',
    'GET /pty/{session}/attach',
    'POST /pty/{session}/control',
  ),
  ...feature('scenario scorers', ...crud('/v1/scenarios/scorers', 'POST /v1/scenarios/scorers/{id}/validate')),
  ...feature(
    'scenario runs',
    'POST /v1/scenarios/start_run',
    'GET /v1/scenarios/runs',
    'GET /v1/scenarios/runs/{id}',
    'POST /v1/scenarios/runs/{id}/score',
    'POST /v1/scenarios/runs/{id}/complete',
    'POST /v1/scenarios/runs/{id}/cancel',
    'POST /v1/scenarios/runs/{id}/download_logs',
  ),
  ...feature(
    'scenarios',
    ...crud('/v1/scenarios', 'GET /v1/scenarios/list_public', 'POST /v1/scenarios/{id}/archive'),
    ...metadata('/v1/scenarios'),
  ),
  ...feature(
    'benchmark runs',
    'POST /v1/benchmarks/start_run',
    'GET /v1/benchmarks/runs',
    'GET /v1/benchmarks/runs/{id}',
    'POST /v1/benchmarks/runs/{id}/cancel',
    'POST /v1/benchmarks/runs/{id}/complete',
    'POST /v1/benchmarks/runs/{id}/download_logs',
    'GET /v1/benchmarks/runs/{id}/scenario_runs',
    'GET /v1/benchmark_runs',
    'GET /v1/benchmark_runs/{id}',
    'POST /v1/benchmark_runs/{id}/cancel',
    'POST /v1/benchmark_runs/{id}/complete',
    'POST /v1/benchmark_runs/{id}/download_logs',
    'GET /v1/benchmark_runs/{id}/scenario_runs',
  ),
  ...feature(
    'benchmarks',
    ...crud(
      '/v1/benchmarks',
      'GET /v1/benchmarks/list_public',
      'GET /v1/benchmarks/{id}/definitions',
      'POST /v1/benchmarks/{id}/scenarios',
    ),
    ...metadata('/v1/benchmarks'),
  ),
  ...feature('benchmark jobs', 'POST /v1/benchmark_jobs', 'GET /v1/benchmark_jobs', 'GET /v1/benchmark_jobs/{id}'),
  ...feature(
    'axons',
    'POST /v1/axons',
    'GET /v1/axons',
    'GET /v1/axons/{id}',
    'POST /v1/axons/{id}',
    'DELETE /v1/axons/{id}',
    'POST /v1/axons/{id}/publish',
    'GET /v1/axons/{id}/events',
    'GET /v1/axons/{id}/subscribe/sse',
    'POST /v1/axons/{id}/sql/query',
    'POST /v1/axons/{id}/sql/batch',
  ),
  ...feature(
    'agent gateways',
    ...crud(
      '/v1/gateway-configs',
      'POST /v1/gateway-configs/{id}/delete',
      'POST /v1/devboxes/{id}/create_gateway_token',
    ),
  ),
  ...feature(
    'the MCP hub',
    ...crud('/v1/mcp-configs', 'POST /v1/mcp-configs/{id}/delete', 'POST /v1/devboxes/{id}/create_mcp_token'),
  ),
  ...feature('network policies', ...crud('/v1/network-policies', 'POST /v1/network-policies/{id}/delete')),
  ...feature('restricted keys', 'POST /v1/restricted_keys'),
];
