import { setTimeout as sleep } from 'node:timers/promises';
import type Runloop from '@runloop/api-client';
import { describe, expect, it } from 'vitest';
import { useBox } from '../../platform/boxes.ts';
import { request, transports } from '../../platform/clients.ts';

type Log = Runloop.Devboxes.DevboxLogsListView.Log;

describe.each(transports)('logs over %s (API §6)', (transport) => {
  const box = useBox(transport, { launch_parameters: { launch_commands: ['echo from-setup'] } });
  /** Polls as the official tests do: up to ten seconds. */
  const logsWith = async (
    found: (logs: Log[]) => boolean,
    filter: Runloop.Devboxes.LogListParams = {},
  ): Promise<Log[]> => {
    for (let attempt = 0; ; attempt += 1) {
      const { logs } = await box.client.devboxes.logs.list(box.id, filter);
      if (found(logs) || attempt === 20) {
        return logs;
      }
      await sleep(500);
    }
  };
  const says = (text: string) => (logs: Log[]) => logs.some((log) => log.message?.includes(text));

  it('hold the command, each line and the exit code, in this order', async () => {
    const mark = crypto.randomUUID();
    const command = `echo ${mark}-one; echo ${mark}-two; exit 3`;
    const { execution_id } = await box.client.devboxes.execute(box.id, { command });
    const logs = await logsWith((all) => all.some((log) => log.exit_code === 3), { execution_id });
    expect(logs.map((log) => log.cmd ?? log.message ?? log.exit_code)).toEqual([
      command,
      `${mark}-one`,
      `${mark}-two`,
      3,
    ]);
    expect(new Set(logs.map((log) => log.source))).toEqual(new Set(['exec']));
    expect(logs.every((log) => log.cmd_id === execution_id && log.level.length > 0)).toBe(true);
    const times = logs.map((log) => log.timestamp_ms);
    expect([...times].sort((a, b) => a - b)).toEqual(times);
  });

  it('filter by execution and by shell', async () => {
    const [mark, shell_name] = [crypto.randomUUID(), crypto.randomUUID()];
    const inShell = await box.client.devboxes.execute(box.id, { command: `echo ${mark}-shell`, shell_name });
    const plain = await box.client.devboxes.executeAsync(box.id, { command: `echo ${mark}-plain` });
    await box.client.devboxes.executions.awaitCompleted(box.id, plain.execution_id);
    const byShell = await logsWith(says(`${mark}-shell`), { shell_name });
    expect(says(`${mark}-shell`)(byShell)).toBe(true);
    expect(says(`${mark}-plain`)(byShell)).toBe(false);
    expect(new Set(byShell.map((log) => log.shell_name))).toEqual(new Set([shell_name]));
    const byExecution = await logsWith(says(`${mark}-plain`), { execution_id: plain.execution_id });
    expect(says(`${mark}-plain`)(byExecution)).toBe(true);
    expect(says(`${mark}-shell`)(byExecution)).toBe(false);
    const all = await logsWith((logs) => says(`${mark}-plain`)(logs) && says(`${mark}-shell`)(logs));
    expect(all.some((log) => log.cmd_id === inShell.execution_id)).toBe(true);
  });

  it('hold the setup', async () => {
    const logs = await logsWith(says('from-setup'));
    const setup = logs.filter((log) => log.source === 'setup_commands');
    expect(says('from-setup')(setup)).toBe(true);
  });

  it('can be followed', async () => {
    const mark = crypto.randomUUID();
    const abort = new AbortController();
    const answer = await request(`/v1/devboxes/${box.id}/logs/tail`, {
      signal: abort.signal,
      headers: { accept: 'text/event-stream' },
    });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      200,
      expect.stringMatching(/^text\/event-stream/),
    ]);
    await box.client.devboxes.execute(box.id, { command: `echo ${mark}` });
    let text = '';
    const decoder = new TextDecoder();
    for await (const part of answer.body ?? []) {
      text += decoder.decode(part, { stream: true });
      if (text.includes(`"${mark}"`)) {
        break;
      }
    }
    abort.abort();
    expect(text).toContain(`"message":"${mark}"`);
  });
});
