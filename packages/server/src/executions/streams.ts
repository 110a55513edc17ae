import type { stdinBody } from '@berth/contract';
import { type Host, HostError, type OutputStream } from '@berth/host/contract';
import type { z } from 'zod';
import type { ActivityTracker } from '../devboxes/activity.ts';
import { callHost, streamFromHost } from '../devboxes/host-calls.ts';
import type { RequestScope } from '../http/context.ts';
import type { ExecutionService } from './service.ts';

const interrupt = 2;
const nothing = new Uint8Array();

/** Output and input of executions (API §4.4, §27). */
export class ExecutionStreams {
  readonly #host: Host;
  readonly #executions: ExecutionService;
  readonly #activity: ActivityTracker;

  constructor(parts: {
    readonly host: Host;
    readonly executions: ExecutionService;
    readonly activity: ActivityTracker;
  }) {
    this.#host = parts.host;
    this.#executions = parts.executions;
    this.#activity = parts.activity;
  }

  /**
   * Output from `offset` on, until the execution has ended and all is sent. Each chunk carries the position after it. Throws `notFound`
   * before the first chunk.
   */
  async follow(
    account: string,
    devboxId: string,
    executionId: string,
    stream: OutputStream,
    offset: number,
    scope: Pick<RequestScope, 'signal' | 'closing'>,
  ): Promise<AsyncIterable<{ readonly output: string; readonly offset: number }>> {
    // Asked for first, so that an unknown execution is answered with 404 rather than inside the stream.
    await this.#executions.get(account, devboxId, executionId, 0);
    const over = AbortSignal.any([scope.signal, scope.closing]);
    const chunks = this.#host.output(devboxId, executionId, stream, offset, over);
    return textOf(streamFromHost({ devboxId, executionId }, chunks));
  }

  /** Writes, closes or interrupts. False when the input is closed already. Throws `stdinNotAttached`, `notFound`. */
  async send(
    account: string,
    devboxId: string,
    executionId: string,
    body: z.output<typeof stdinBody>,
    token: string | undefined,
  ): Promise<boolean> {
    const box = await this.#executions.requireOutput(account, devboxId);
    const { status } = await this.#executions.get(account, devboxId, executionId, 0);
    if (status === 'completed') {
      return false;
    }
    this.#activity.touch(box);
    try {
      await callHost({ devboxId, executionId }, async () => {
        if (body.text !== undefined || body.signal === 'EOF') {
          const bytes = body.text === undefined ? nothing : Buffer.from(body.text);
          await this.#host.stdin(devboxId, executionId, bytes, body.signal === 'EOF', token);
        }
        if (body.signal === 'INTERRUPT') {
          await this.#host.kill(devboxId, executionId, { signal: interrupt, processGroup: true });
        }
      });
    } catch (error) {
      if (error instanceof HostError && error.code === 'stdinClosed') {
        return false;
      }
      throw error;
    }
    return true;
  }
}

/** The host never splits a character between chunks; bytes that are no text become replacement characters. */
async function* textOf(
  chunks: AsyncIterable<{ readonly bytes: Uint8Array; readonly offset: number }>,
): AsyncGenerator<{ readonly output: string; readonly offset: number }> {
  for await (const { bytes, offset } of chunks) {
    yield { output: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'), offset };
  }
}
