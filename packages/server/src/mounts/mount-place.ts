import type { Host } from '@berth/host/contract';
import type { Devbox } from '../devboxes/devbox.ts';

/** Where a mount is placed: the box is up, and nothing of the user's has run in it yet. */
export interface MountPlace {
  readonly host: Host;
  readonly box: Pick<Devbox, 'id' | 'accountId' | 'launchParameters' | 'isolation'>;
  /** Id of an execution that belongs to this mount: the same one after a restart of the server, so that nothing runs twice. Clients cannot use it. */
  readonly executionId: (step: number) => string;
  /** What `layer` speaks of is in the box already. */
  readonly isLayered: boolean;
}
