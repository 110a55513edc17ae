/** The one seam between control plane and data plane: `server` knows a {@link Host} and nothing behind it. */
export * from './box.ts';
export * from './builds.ts';
export * from './event.ts';
export * from './execution.ts';
export * from './host.ts';
export * from './host-error.ts';
