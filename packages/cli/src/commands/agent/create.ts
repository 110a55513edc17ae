import type { AgentCreate, AgentSource } from '@berth/contract';
import { Command } from 'commander';
import { createAgent } from '../../agents/agent.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { CommandFailure } from '../../output/failure.ts';
import { print, printJson } from '../../output/style.ts';
import { collect } from '../options.ts';

export interface CreateAgentOptions {
  readonly npm?: string;
  readonly pip?: string;
  readonly git?: string;
  readonly object?: string;
  readonly version?: string;
  readonly ref?: string;
  readonly registry?: string;
  readonly setup?: readonly string[];
  readonly public?: true;
  readonly json?: true;
}

export const createAgentCommand = (): Command =>
  new Command('create')
    .description('register an agent, so that boxes can be made with it by name')
    .argument('<name>', 'names may repeat: the newest counts')
    .option('--npm <package>', 'a package of npm')
    .option('--pip <package>', 'a package of pip')
    .option('--git <url>', 'a repository')
    .option('--object <id>', 'an object: a file, or an archive')
    .option('--version <version>', 'of the package; of a repository, a branch or tag')
    .option('--ref <ref>', 'branch, tag or commit of a repository')
    .option('--registry <url>', 'registry of the package')
    .option('--setup <line>', 'line of bash run once it is in the box; may be repeated', collect)
    .option('--public', 'for every account of this installation')
    .option('--json', 'print the view as JSON')
    .addHelpText(
      'after',
      `\nExamples:
  ./berth agent create aider --pip aider-chat --version 0.86.1
  ./berth agent create reviewer --git https://github.com/acme/reviewer --ref v2 --setup 'npm ci'`,
    )
    .action(async (name: string, options: CreateAgentOptions) => {
      const agent = await createAgent(new ApiClient(findEndpoint()), agentWish(name, options));
      if (options.json) {
        printJson(agent);
      } else {
        print(`${agent.id} ${agent.name}`);
      }
    });

/** Body of the call that registers it. Throws CommandFailure when the options name no source, or more than one. */
export const agentWish = (name: string, options: CreateAgentOptions): AgentCreate => {
  const { npm, pip, git, object } = options;
  if ([npm, pip, git, object].filter((source) => source !== undefined).length !== 1) {
    throw new CommandFailure('where does the agent come from? give one of --npm, --pip, --git, --object');
  }
  if (options.ref !== undefined && git === undefined) {
    throw new CommandFailure('--ref goes with --git');
  }
  if (options.registry !== undefined && npm === undefined && pip === undefined) {
    throw new CommandFailure('--registry goes with --npm or --pip');
  }
  return {
    name,
    source: sourceOf(options),
    ...(options.version === undefined ? {} : { version: options.version }),
    ...(options.public ? { is_public: true } : {}),
  };
};

const sourceOf = ({ npm, pip, git, object, ref, registry, setup }: CreateAgentOptions): AgentSource => {
  const more = setup === undefined ? {} : { agent_setup: [...setup] };
  const package_name = npm ?? pip;
  if (package_name !== undefined) {
    const part = { package_name, ...(registry === undefined ? {} : { registry_url: registry }), ...more };
    return npm === undefined ? { type: 'pip', pip: part } : { type: 'npm', npm: part };
  }
  return git === undefined
    ? { type: 'object', object: { object_id: object ?? '', ...more } }
    : { type: 'git', git: { repository: git, ...(ref === undefined ? {} : { ref }), ...more } };
};
