import type Runloop from '@runloop/api-client';

/** What a stream gave, from its first chunk to its end. */
export interface Followed {
  readonly text: string;
  readonly chunks: readonly string[];
  readonly offsets: readonly number[];
}

/** Follows an output with the official client until it ends. */
export async function follow(
  client: Runloop,
  devboxId: string,
  executionId: string,
  from: { readonly stream?: 'stdout' | 'stderr'; readonly offset?: number } = {},
): Promise<Followed> {
  const { executions } = client.devboxes;
  const query = from.offset === undefined ? {} : { offset: String(from.offset) };
  const stream =
    from.stream === 'stderr'
      ? await executions.streamStderrUpdates(devboxId, executionId, query)
      : await executions.streamStdoutUpdates(devboxId, executionId, query);
  const chunks: string[] = [];
  const offsets: number[] = [];
  for await (const chunk of stream) {
    chunks.push(chunk.output);
    offsets.push(chunk.offset ?? Number.NaN);
  }
  return { text: chunks.join(''), chunks, offsets };
}
