import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type Runloop from '@runloop/api-client';

const sources = join(import.meta.dirname, 'model');
const place = '/home/user/.model';
const log = '/tmp/model.log';

/** Port of the scripted model inside of a box. */
export const modelPort = 8399;

const output = async (client: Runloop, id: string, command: string): Promise<string> => {
  const { stdout, stderr, exit_status } = await client.devboxes.executeAndAwaitCompletion(id, { command });
  if (exit_status !== 0) {
    throw new Error(`${command} ended with ${exit_status}: ${stderr}`);
  }
  return stdout ?? '';
};

/** Puts the scripted model into the box. */
export const placeModel = async (client: Runloop, id: string): Promise<void> => {
  for (const name of readdirSync(sources)) {
    const contents = readFileSync(join(sources, name), 'utf8');
    await client.devboxes.writeFileContents(id, { file_path: `${place}/${name}`, contents });
  }
};

/** Line of shell that starts it in a box that has it, where it does not run yet. */
export const modelStart = (environment: string): string => {
  const isUp = `curl -s -o /dev/null http://127.0.0.1:${modelPort}/`;
  const start = `${environment} setsid node ${place}/main.ts ${modelPort} ${log} > /dev/null 2>&1 < /dev/null &`;
  return `${isUp} || { ( cd / && ${start} ); until ${isUp}; do sleep 0.1; done; }\n`;
};

/** Starts the scripted model in the box, on its loopback: the network of the box shuts the host out. */
export const startModel = async (client: Runloop, id: string, environment = ''): Promise<void> => {
  await placeModel(client, id);
  await client.devboxes.executeAsync(id, { command: `${environment} exec node ${place}/main.ts ${modelPort} ${log}` });
  await output(client, id, `until curl -s -o /dev/null http://127.0.0.1:${modelPort}/; do sleep 0.1; done`);
};

/** A line for each request that the model was sent: method, path, key, bytes. */
export const modelRequests = async (client: Runloop, id: string): Promise<string[]> =>
  (await output(client, id, `cat ${log}`))
    .trim()
    .split('\n')
    .filter((line) => line.startsWith('POST'));
