import { availableParallelism } from 'node:os';

/** Does something with each of these, the last ones first, so that each processor has one under way all the time. */
export async function onAllProcessors(names: readonly string[], act: (name: string) => Promise<void>): Promise<void> {
  const waiting = [...names];
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
        await act(name);
      }
    }),
  );
}
