import type { DevboxView } from '@berth/contract';
import type { ApiClient } from '../http/client.ts';
import { CommandFailure } from '../output/failure.ts';
import { untilStatus } from './lifecycle.ts';
import { endReason } from './view.ts';

/** How long one wait of a resume lasts before it is looked whether the box fell back to `suspended`. */
const resumeLookSeconds = 3;

const post = (client: ApiClient, id: string, verb: string, memory: boolean | undefined): Promise<DevboxView> =>
  client.json('POST', `/v1/devboxes/${encodeURIComponent(id)}/${verb}`, {
    body: memory === undefined ? {} : { memory },
  });

/** Begins to suspend a box. @param memory whether its processes are kept too; the box's own default when left out */
export const beginSuspend = (client: ApiClient, id: string, memory?: boolean): Promise<DevboxView> =>
  post(client, id, 'suspend', memory);

/** Begins to resume a box. @param memory false: from its disk, even where its processes were kept */
export const beginResume = (client: ApiClient, id: string, memory?: boolean): Promise<DevboxView> =>
  post(client, id, 'resume', memory);

/** Waits until a box is suspended. @throws CommandFailure with the cause when it goes on or ends instead */
export const untilSuspended = async (client: ApiClient, id: string, signal?: AbortSignal): Promise<DevboxView> => {
  const devbox = await untilStatus(client, id, ['suspended', 'running', 'failure', 'shutdown'], { signal });
  if (devbox.status !== 'suspended') {
    throw new CommandFailure(`${id} is ${devbox.status}: ${endReason(devbox) || 'no reason was given'}`);
  }
  return devbox;
};

/**
 * Waits until a box that is being resumed runs.
 * @param begun its view when the resume began
 * @throws CommandFailure with the cause when it ends, or is suspended again because it could not be started
 */
export const untilResumed = async (client: ApiClient, begun: DevboxView, signal?: AbortSignal): Promise<DevboxView> => {
  const devbox = await untilStatus(client, begun.id, ['running', 'failure', 'shutdown'], {
    signal,
    sliceSeconds: resumeLookSeconds,
    slice: (now) => {
      if (now.status === 'suspended' && now.state_transitions.length > begun.state_transitions.length) {
        throw new CommandFailure(`${begun.id} is suspended as before: ${endReason(now) || 'no reason was given'}`, {
          hint: `its disk is kept; ./berth devbox resume --no-memory ${begun.id} starts it from there`,
        });
      }
    },
  });
  if (devbox.status !== 'running') {
    throw new CommandFailure(`${begun.id} did not start: ${endReason(devbox) || devbox.status}`);
  }
  return devbox;
};
