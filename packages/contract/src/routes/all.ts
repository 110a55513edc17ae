import type { RouteContract } from '../route.ts';
import { accountRoutes } from './account.ts';
import { agentRoutes } from './agents.ts';
import { blueprintRoutes } from './blueprints.ts';
import { devboxRoutes } from './devboxes.ts';
import { executionRoutes } from './executions.ts';
import { fileRoutes } from './files.ts';
import { logRoutes } from './logs.ts';
import { objectRoutes } from './objects.ts';
import { operationRoutes } from './operations.ts';
import { secretRoutes } from './secrets.ts';
import { snapshotRoutes } from './snapshots.ts';

/** Every route of this version, for what is made from all of them: documents and tests. */
export const allRoutes: readonly RouteContract[] = [
  devboxRoutes,
  snapshotRoutes,
  blueprintRoutes,
  executionRoutes,
  fileRoutes,
  logRoutes,
  secretRoutes,
  agentRoutes,
  objectRoutes,
  accountRoutes,
  operationRoutes,
].flatMap((table): RouteContract[] => Object.values(table));
