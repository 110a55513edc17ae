import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { checkout } from '../platform/artifacts.ts';
import { output, withBox } from '../platform/boxes.ts';
import { rawClient, shared } from '../platform/clients.ts';
import { content, lastWords, words } from './model/script.ts';
import { modelPort, modelRequests, modelStart, placeModel } from './model-in-box.ts';
import { basePath, manifestOf, wantedAgents } from './wanted.ts';

const client = rawClient();
const gate = '/tmp/gate';
const proof = '/home/user/answer.txt';

/** Where the key comes from; both when agents are asked for. */
const places = process.env['BERTH_TEST_AGENTS'] === undefined ? ['secret'] : ['environment', 'secret'];

/** Some agents tell what the model says piece by piece, others as a whole. */
const says = (text: string, pieces: readonly string[]): boolean => pieces.every((piece) => text.includes(piece));

/** Runs `./berth run` against the platform of this group. `onError` hears all that it has said so far on its standard error. */
const berthRun = async (
  options: readonly string[],
  environment: Readonly<Record<string, string>>,
  onError: (text: string) => void = () => undefined,
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> => {
  const { baseUrl, apiKey } = shared();
  const program = join(checkout, 'packages/cli/src/main.ts');
  const child = spawn(process.execPath, [program, 'run', ...options, '--json', '--', 'write the file'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      RUNLOOP_BASE_URL: baseUrl,
      RUNLOOP_API_KEY: apiKey,
      NO_COLOR: '1',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // Of a test that has failed: it shuts its box down.
  onTestFinished(() => {
    child.kill('SIGINT');
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    onError(stderr);
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, stdout, stderr };
};

/** In every run one of them; the others when asked for by BERTH_TEST_AGENTS=all or by name. */
describe.each(wantedAgents(['claude-code']))('./berth run --agent %s', (name) => {
  const { key_variable, base_url_variable, wire } = manifestOf(name);
  const base = { [base_url_variable]: `http://127.0.0.1:${modelPort}${basePath[wire]}` };
  let snapshot = '';
  const options = () => ['--agent', name, '--from', snapshot, '--size', 'MEDIUM', '--verbose'];

  /** A box has a network of its own: the model has to be in it. The first shell there starts it. */
  beforeAll(async () => {
    const params = {
      mounts: [{ type: 'agent_mount' as const, agent_name: name, agent_id: null }],
      launch_parameters: { resource_size_request: 'MEDIUM' as const },
    };
    await withBox(client, params, async ({ id }) => {
      await placeModel(client, id);
      const contents = modelStart(`MODEL_GATE=${gate} MODEL_TARGET=${proof}`);
      await client.devboxes.writeFileContents(id, { file_path: '/home/user/model.sh', contents });
      await output(client, id, 'sudo install -m 644 model.sh /etc/profile.d/model.sh');
      snapshot = (await client.devboxes.snapshotDisk(id)).id;
    });
  }, 240_000);
  afterAll(() => client.devboxes.diskSnapshots.delete(snapshot));

  /** The box that works now. */
  const box = async (): Promise<string> => {
    const { devboxes } = await client.devboxes.list({ status: 'running', limit: 100 });
    return devboxes.find((each) => each.name === `run ${name}`)?.id ?? '';
  };

  // Its packages come from a registry, which may be away for a moment.
  it.each(places)('shows what it says as it comes, with the key out of the %s', { retry: 2 }, async (place) => {
    const key = `key-out-of-${place}`;
    const isSecret = place === 'secret';
    if (isSecret) {
      await client.secrets.create({ name: key_variable, value: key });
    }
    // The model says no more before the gate is open: who hears its first words hears them while the agent is at work.
    let open: Promise<string[]> | undefined;
    const openGate = async (): Promise<string[]> => {
      const id = await box();
      expect(await output(client, id, `until [ -s ${proof} ]; do sleep 0.1; done; cat ${proof}`)).toBe(content);
      const asked = await modelRequests(client, id);
      await client.devboxes.writeFileContents(id, { file_path: gate, contents: 'open' });
      return asked;
    };
    const { code, stdout, stderr } = await berthRun(
      options(),
      { ...base, ...(isSecret ? {} : { [key_variable]: key }) },
      (text) => {
        if (says(text, words)) {
          open ??= openGate();
          open.catch(() => undefined);
        }
      },
    );
    if (isSecret) {
      await client.secrets.delete(key_variable, {});
    }
    expect(code, stderr).toBe(0);
    expect((await open)?.some((line) => line.includes(`${key} `))).toBe(true);
    const [report] = JSON.parse(stdout);
    expect(says(JSON.stringify(report), lastWords)).toBe(true);
    expect(stderr).toMatch(/\] exit 0\n/);
    expect(await box()).toBe('');
  });

  it('ends with 1, and makes no box, without a key', async () => {
    const { code, stdout, stderr } = await berthRun(options(), base);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(`export ${key_variable}`);
  });
});
