import { readdir, readFile } from 'node:fs/promises';
import { type AgentManifest, type AgentSource, agentManifest, type ReadyMade } from '@berth/contract';

/** An agent that comes with the installation. */
export interface ReadyMadeAgent {
  readonly name: string;
  readonly version: string;
  readonly source: AgentSource;
  readonly readyMade: ReadyMade;
}

/** `agents/` of the checkout. */
export const readyMadeDirectory = new URL('../../../../agents/', import.meta.url);

const manifestName = 'agent.json';

/** Reads `agents/<name>/agent.json` of every agent, in the order of names. Throws with the file's name when one does not fit. */
export const readReadyMade = async (directory: URL = readyMadeDirectory): Promise<ReadyMadeAgent[]> => {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
  return Promise.all(names.map((name) => readOne(new URL(`${name}/`, directory), name)));
};

const readOne = async (directory: URL, name: string): Promise<ReadyMadeAgent> => {
  const manifest = agentManifest.safeParse(JSON.parse(await readFile(new URL(manifestName, directory), 'utf8')));
  if (!manifest.success) {
    throw new Error(`agents/${name}/${manifestName}: ${manifest.error.message}`);
  }
  if (manifest.data.name !== name) {
    throw new Error(`agents/${name}/${manifestName}: its name is ${manifest.data.name}`);
  }
  const files = await Promise.all(
    Object.entries(manifest.data.files ?? {}).map(async ([path, file]) =>
      placing(path, await readFile(new URL(file, directory))),
    ),
  );
  return readyMadeAgent(manifest.data, files);
};

/** Line of bash that writes a file in the home, whatever bytes are in it. */
const placing = (path: string, content: Buffer): string => {
  const target = `"$HOME/${path}"`;
  return `mkdir -p "$(dirname ${target})" && base64 -d > ${target} <<'end'\n${content.toString('base64')}\nend`;
};

const readyMadeAgent = (manifest: AgentManifest, files: readonly string[]): ReadyMadeAgent => {
  const { name, version, npm, npm_with, files: _files, setup, ...readyMade } = manifest;
  const more = npm_with === undefined ? [] : [`sudo npm install -g --no-audit --loglevel=error ${npm_with.join(' ')}`];
  const agent_setup = [...more, ...files, ...(setup ?? [])];
  return {
    name,
    version,
    source: {
      type: 'npm',
      npm: { package_name: npm.package_name, ...(agent_setup.length === 0 ? {} : { agent_setup }) },
    },
    readyMade,
  };
};
