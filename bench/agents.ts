/**
 * Each ready-made agent in a box: how long its mount takes, beside the start of a box without one; and from the start of its command to the first
 * line it prints, against `node --version` in the same box. Its model is a scripted one inside the box. AGENTS names some of them.
 */
import { readdirSync } from 'node:fs';
import type { AgentView } from '@berth/contract';
import Runloop from '@runloop/api-client';
import { modelPort, startModel } from '../test/agents/model-in-box.ts';
import { report, timeMs } from './support/stats.ts';

const names = process.env['AGENTS']?.split(',') ?? readdirSync(new URL('../agents/', import.meta.url));
const client = new Runloop({ timeout: 600_000 });

const create = (params: Runloop.DevboxCreateParams) =>
  client.devboxes.createAndAwaitRunning({ ...params, launch_parameters: { resource_size_request: 'MEDIUM' } });

/** From the start of a command to the first of its output, in milliseconds; the command then goes on to its end. */
const firstOutputMs = async (id: string, command: string): Promise<number> => {
  const timed = `begin=$(date +%s%N); { ${command}\n} | { read -r line; echo $((($(date +%s%N) - begin) / 1000000)); cat > /dev/null; }`;
  const { stdout, exit_status } = await client.devboxes.executeAndAwaitCompletion(id, { command: timed });
  if (exit_status !== 0) {
    throw new Error(`${command} ended with ${exit_status}`);
  }
  return Number(stdout);
};

for (const name of names) {
  const { agents } = await client.get<unknown, { agents: AgentView[] }>('/v1/agents/list_public', { query: { name } });
  const readyMade = agents.find((agent) => agent.name === name)?.ready_made;
  if (readyMade === undefined) {
    throw new Error(`no agent ${name} comes with this Berth`);
  }
  const base = `http://127.0.0.1:${modelPort}${readyMade.wire.startsWith('openai') ? '/v1' : ''}`;
  const boxes: string[] = [];
  const started = async (params: Runloop.DevboxCreateParams): Promise<void> => {
    boxes.push((await create(params)).id);
  };
  try {
    const bareMs = await timeMs(() => started({}));
    const mountedMs = await timeMs(() =>
      started({
        mounts: [{ type: 'agent_mount', agent_id: null, agent_name: name }],
        environment_variables: {
          [readyMade.key_variable]: 'key',
          [readyMade.base_url_variable]: base,
          BERTH_TASK: 'write the file',
        },
      }),
    );
    const id = boxes.at(-1) ?? '';
    await startModel(client, id);
    const run = `mkdir -p work && cd work && ${readyMade.run}`;
    const firstMs = await firstOutputMs(id, run);
    const againMs = await firstOutputMs(id, run);
    const nodeMs = await firstOutputMs(id, 'node --version');
    report(`agents ${name}`, {
      'mount ms': mountedMs - bareMs,
      'start without ms': bareMs,
      'first output ms': firstMs,
      'again ms': againMs,
      'node --version ms': nodeMs,
      ratio: againMs / nodeMs,
    });
  } finally {
    await Promise.all(boxes.map((box) => client.devboxes.shutdown(box)));
  }
}
