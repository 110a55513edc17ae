import type { BlueprintBuildLog, BlueprintBuildLogEvent } from '@berth/contract';
import { type BuildLogLine, type Host, HostError } from '@berth/host/contract';
import type { NotificationHub } from '../database/notifications.ts';
import { apiError } from '../errors/api-error.ts';
import type { RequestScope } from '../http/context.ts';
import { longPoll } from '../http/long-poll.ts';
import { type Blueprint, blueprintTopic, isBuilding } from './blueprint.ts';

export interface BlueprintLogParts {
  readonly host: Pick<Host, 'buildLog'>;
  readonly hub: NotificationHub;
  /** Throws `notFound`. */
  readonly require: (account: string, id: string) => Promise<Blueprint>;
}

/** A stream that has waited so long for its build asks to be begun again. */
const longestWaitMs = 600_000;

const viewOf = ({ level, message, timestampMs }: BuildLogLine): BlueprintBuildLog => ({
  level,
  message,
  timestamp_ms: timestampMs,
});

const isUnknown = (error: unknown): boolean => error instanceof HostError && error.code === 'buildNotFound';

/** What there is to say of a build that never came to the host. */
const ownWords = (blueprint: Blueprint): BlueprintBuildLog[] =>
  blueprint.failure_message === null
    ? []
    : [
        {
          level: 'error',
          message: blueprint.failure_message,
          timestamp_ms: blueprint.finish_ms ?? blueprint.create_ms,
        },
      ];

/** Logs of builds, read from the host that keeps them. */
export class BlueprintLogs {
  readonly #parts: BlueprintLogParts;

  constructor(parts: BlueprintLogParts) {
    this.#parts = parts;
  }

  /** The lines so far. Throws `notFound`, `buildLogExpired`. */
  async read(account: string, id: string, fromLine: number, signal: AbortSignal): Promise<BlueprintBuildLog[]> {
    const blueprint = await this.#require(account, id);
    const lines: BlueprintBuildLog[] = [];
    try {
      for await (const line of this.#parts.host.buildLog(id, { fromLine, follow: false }, signal)) {
        lines.push(viewOf(line));
      }
    } catch (error) {
      if (!isUnknown(error)) {
        throw error;
      }
      return fromLine === 0 ? ownWords(blueprint) : [];
    }
    return lines;
  }

  /** The same and what is to come, until the build has ended. */
  async *follow(
    account: string,
    id: string,
    fromLine: number,
    scope: Pick<RequestScope, 'signal' | 'closing'>,
  ): AsyncGenerator<BlueprintBuildLogEvent> {
    const ended = AbortSignal.any([scope.signal, scope.closing]);
    let next = fromLine;
    for (;;) {
      const blueprint = await this.#untilSent(account, id, scope);
      try {
        for await (const line of this.#parts.host.buildLog(id, { fromLine: next, follow: true }, ended)) {
          next = line.index + 1;
          yield { ...viewOf(line), line: line.index };
        }
        const after = await this.#require(account, id);
        // One that the host has lost is built again, with a log of its own.
        if (!isBuilding(after) || after.lost_builds === blueprint.lost_builds) {
          return;
        }
        next = 0;
      } catch (error) {
        if (!isUnknown(error)) {
          throw error;
        }
        if (!isBuilding(await this.#require(account, id))) {
          yield* next === 0 ? ownWords(blueprint).map((line, index) => ({ ...line, line: index })) : [];
          return;
        }
      }
    }
  }

  async #require(account: string, id: string): Promise<Blueprint> {
    const blueprint = await this.#parts.require(account, id);
    if (blueprint.deleted) {
      throw apiError('buildLogExpired', { id });
    }
    return blueprint;
  }

  /** Waits until the host knows of the build, or there is nothing to wait for. */
  async #untilSent(account: string, id: string, scope: Pick<RequestScope, 'signal' | 'closing'>): Promise<Blueprint> {
    return longPoll(this.#parts.hub, scope, {
      topics: [blueprintTopic(id)],
      timeoutMs: longestWaitMs,
      check: async () => {
        const blueprint = await this.#require(account, id);
        return blueprint.status === 'queued' ? undefined : blueprint;
      },
    });
  }
}
