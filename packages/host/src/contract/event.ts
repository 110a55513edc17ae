import type { BoxState } from './box.ts';
import type { BuildState } from './builds.ts';

/** Pushed to every subscriber; a subscriber that reconnects compares `list()` instead of replaying. */
export type HostEvent =
  | { readonly type: 'box'; readonly state: BoxState }
  | { readonly type: 'build'; readonly state: BuildState }
  | { readonly type: 'execution'; readonly boxId: string; readonly executionId: string; readonly status: 'completed' };
