/** Every route of this version, grouped by resource. */
export { accountRoutes } from './account.ts';
export { agentRoutes } from './agents.ts';
export { blueprintRoutes } from './blueprints.ts';
export { devboxRoutes } from './devboxes.ts';
export { executionRoutes } from './executions.ts';
export { fileRoutes } from './files.ts';
export { logRoutes } from './logs.ts';
export { objectRoutes } from './objects.ts';
export { operationRoutes, type Readiness } from './operations.ts';
export { secretRoutes } from './secrets.ts';
export { snapshotRoutes } from './snapshots.ts';
