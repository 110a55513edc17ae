import type { AgentView, ReadyMade } from '@berth/contract';
import { describe, expect, it } from 'vitest';
import { output, run, withBox } from '../platform/boxes.ts';
import { rawClient, request } from '../platform/clients.ts';
import { content, lastWords } from './model/script.ts';
import { modelPort, modelRequests, startModel } from './model-in-box.ts';
import { basePath, manifestOf, wantedAgents } from './wanted.ts';

const client = rawClient();
const key = 'key-of-the-test';

const requestPath: Readonly<Record<ReadyMade['wire'], RegExp>> = {
  'anthropic-messages': /^POST \/v1\/messages key-of-the-test /,
  'openai-responses': /^POST \/v1\/responses Bearer key-of-the-test /,
  'openai-chat': /^POST \/v1\/chat\/completions Bearer key-of-the-test /,
  gemini: /^POST \/v1beta\/models\/\S+:streamGenerateContent key-of-the-test /,
};

/** In every run two of them; the others, hundreds of megabytes of packages, when asked for by BERTH_TEST_AGENTS=all or by name. */
describe.each(wantedAgents(['claude-code', 'gemini-cli']))('the ready-made agent %s', (name) => {
  const manifest = manifestOf(name);
  // Its packages come from a registry, which is not part of Berth and may be away for a moment.
  const patient = { timeout: 240_000, retry: 2 };

  it('is mounted by its name, works on a task with one call of a tool, and ends', patient, async () => {
    const params = {
      mounts: [{ type: 'agent_mount' as const, agent_name: name, agent_id: null }],
      environment_variables: {
        [manifest.key_variable]: key,
        [manifest.base_url_variable]: `http://127.0.0.1:${modelPort}${basePath[manifest.wire]}`,
        BERTH_TASK: 'write the file',
      },
      launch_parameters: { resource_size_request: 'MEDIUM' as const },
    };
    await withBox(client, params, async ({ id }) => {
      await startModel(client, id);
      const view = (await (await request(`/v1/agents/list_public?name=${name}`)).json()) as { agents: AgentView[] };
      const command = view.agents.find((agent) => agent.name === name)?.ready_made?.run ?? '';
      const ended = await run(client, id, `mkdir -p work && cd work && { ${command}\n}`);
      expect(`${ended.exit_status} ${ended.exit_status === 0 ? '' : ended.stderr}`).toBe('0 ');
      expect(await output(client, id, 'cat work/answer.txt')).toBe(content);
      expect(ended.stdout).toContain(lastWords.at(-1));
      const asked = await modelRequests(client, id);
      expect(asked.filter((line) => requestPath[manifest.wire].test(line)).length).toBeGreaterThanOrEqual(2);
    });
  });
});
