/** Every route of this version, grouped by resource. */
export { accountRoutes } from './account.ts';
export { secretRoutes } from './secrets.ts';
