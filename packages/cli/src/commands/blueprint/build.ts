import type { BlueprintView } from '@berth/contract';
import { type BlueprintWish, cancelBlueprint, createBlueprint } from '../../blueprints/blueprint.ts';
import { BuildText } from '../../blueprints/build-text.ts';
import { followBuildLog, untilBuilt } from '../../blueprints/follow-build.ts';
import type { ApiClient } from '../../http/client.ts';
import { CommandFailure } from '../../output/failure.ts';
import { formatBytes, formatDuration } from '../../output/quantities.ts';
import { dim, print, printJson, remark, yellow } from '../../output/style.ts';
import { whileWaiting } from '../../output/waiting.ts';

export interface BuildOptions {
  readonly wait: boolean;
  readonly quiet?: true;
  readonly json?: true;
}

/** Has a blueprint built, shows how that goes, and prints its id. Ctrl-C cancels the build. */
export const buildAndTell = async (client: ApiClient, wish: BlueprintWish, options: BuildOptions): Promise<void> => {
  const begin = performance.now();
  const created = await createBlueprint(client, wish);
  const blueprint = options.wait ? await builtOrCancelled(client, created.id, options.quiet ?? false) : created;
  if (options.json) {
    printJson(blueprint);
  } else {
    if (options.wait) {
      tellEnd(blueprint, performance.now() - begin);
    }
    print(blueprint.id);
  }
  if (blueprint.status === 'failed') {
    throw new CommandFailure(`${blueprint.id} failed: ${blueprint.failure_message ?? 'the build failed'}`, {
      hint: `./berth blueprint logs ${blueprint.id} shows the whole log`,
    });
  }
};

const builtOrCancelled = (client: ApiClient, id: string, isQuiet: boolean): Promise<BlueprintView> =>
  whileWaiting(
    `building ${id}`,
    async (signal) => {
      try {
        return await follow(client, id, isQuiet, signal);
      } catch (error) {
        if (signal.aborted) {
          await cancelBlueprint(client, id);
        }
        throw error;
      }
    },
    `${id} was cancelled`,
  );

const follow = async (client: ApiClient, id: string, isQuiet: boolean, signal: AbortSignal): Promise<BlueprintView> => {
  const text = new BuildText();
  const tell = (lines: readonly string[]): void => {
    for (const line of isQuiet ? [] : lines) {
      // The clock of the wait stands on the line.
      remark(process.stderr.isTTY ? `\r\u001b[K${line}` : line);
    }
  };
  await followBuildLog(client, id, (line) => tell(text.lines(line)), signal);
  const blueprint = await untilBuilt(client, id, signal);
  tell(text.end(blueprint.build_finish_time_ms ?? Date.now()));
  return blueprint;
};

const tellEnd = ({ status, size_bytes, stand_in }: BlueprintView, tookMs: number): void => {
  if (stand_in !== null) {
    remark(yellow(stand_in));
  }
  if (status === 'build_complete') {
    remark(dim(`built after ${formatDuration(tookMs)}${size_bytes === null ? '' : `, ${formatBytes(size_bytes)}`}`));
  }
};
