import { describe, expect, it } from 'vitest';
import { useBox } from '../platform/boxes.ts';
import { follow } from '../platform/streams.ts';

describe('200 executions at once in one box', () => {
  const box = useBox('http2', { launch_parameters: { resource_size_request: 'MEDIUM' } });

  it('each give exactly their own output and exit code', { timeout: 180_000 }, async () => {
    const runs = Array.from({ length: 200 }, async (_, index) => {
      const mark = crypto.randomUUID();
      const command = `for i in {1..60}; do echo "${mark} $i"; done; echo "${mark}" >&2; sleep 1; exit ${index % 100}`;
      const started = await box.client.devboxes.executeAsync(box.id, { command });
      const [view, streamed] = await Promise.all([
        box.client.devboxes.executions.awaitCompleted(box.id, started.execution_id),
        follow(box.client, box.id, started.execution_id),
      ]);
      const expected = Array.from({ length: 60 }, (_none, line) => `${mark} ${line + 1}\n`).join('');
      return {
        index,
        exact: view.stdout === expected && streamed.text === expected && view.stderr === `${mark}\n`,
        exit: view.exit_status,
      };
    });
    const results = await Promise.all(runs);
    expect(results.filter((one) => !one.exact)).toEqual([]);
    expect(results.map((one) => one.exit)).toEqual(results.map((one) => one.index % 100));
  });

  it('and one command id sent 50 times at once runs once', async () => {
    const command_id = crypto.randomUUID();
    const command = `echo x >> once-${command_id}; cat once-${command_id}`;
    const views = await Promise.all(
      Array.from({ length: 50 }, () => box.client.devboxes.execute(box.id, { command, command_id })),
    );
    expect(new Set(views.map((view) => view.stdout))).toEqual(new Set(['x\n']));
  });
});
