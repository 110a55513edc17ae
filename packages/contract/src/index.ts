/** The public API of Berth as data: schemas, routes, errors, ids. No logic and no I/O. */
export * from './accounts.ts';
export * from './api-keys.ts';
export * from './errors.ts';
export * from './ids.ts';
export * from './pagination.ts';
export * from './route.ts';
export * from './routes/index.ts';
export * from './secrets.ts';
