import { setTimeout as pause } from 'node:timers/promises';
import type { BlueprintBuildLogEvent, BlueprintView } from '@berth/contract';
import type { ApiClient } from '../http/client.ts';
import { readEventStream } from '../http/event-stream.ts';
import { CommandFailure } from '../output/failure.ts';
import { blueprintPath, getBlueprint } from './blueprint.ts';

const pauseMs = 300;
/** Streams that break off without a line in between are begun again so often. */
const maximumBreaks = 20;

/** Whether nothing more happens to a build. */
export const buildHasEnded = ({ status, state }: BlueprintView): boolean =>
  state === 'deleted' || status === 'build_complete' || status === 'failed';

/** Hands over each line of a build as it comes, until the build has ended; a stream that breaks off is gone on with. */
export const followBuildLog = async (
  client: ApiClient,
  id: string,
  onLine: (line: BlueprintBuildLogEvent) => void,
  signal?: AbortSignal,
): Promise<void> => {
  let next = 0;
  for (let breaks = 0; ; ) {
    const response = await client.raw('GET', blueprintPath(id, '/logs/tail'), {
      query: { from_line: next },
      accept: 'text/event-stream',
      signal,
    });
    try {
      let broken = false;
      for await (const { event, data } of readEventStream(response.body ?? new ReadableStream())) {
        if (event === 'error') {
          broken = true;
          break;
        }
        const line = JSON.parse(data) as BlueprintBuildLogEvent;
        next = line.line + 1;
        breaks = 0;
        onLine(line);
      }
      if (!broken) {
        return;
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (breaks >= maximumBreaks) {
        throw error;
      }
    }
    breaks += 1;
    if (breaks > maximumBreaks) {
      throw new CommandFailure(`the log of ${id} breaks off again and again`);
    }
    await pause(pauseMs, undefined, { signal }).catch(() => signal?.throwIfAborted());
  }
};

/** The blueprint once its build has ended; right after its log that is a moment away. */
export const untilBuilt = async (client: ApiClient, id: string, signal?: AbortSignal): Promise<BlueprintView> => {
  for (;;) {
    const blueprint = await getBlueprint(client, id);
    if (buildHasEnded(blueprint)) {
      return blueprint;
    }
    await pause(pauseMs, undefined, { signal }).catch(() => signal?.throwIfAborted());
  }
};
