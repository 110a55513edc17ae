import type { AgentSource, AgentView } from '@berth/contract';
import { formatDuration } from '../output/quantities.ts';
import { bold, dim } from '../output/style.ts';
import { table } from '../output/table.ts';
import { isReadyMade } from './agent.ts';

/** Where an agent comes from, in one line. */
export const sourceText = (source: AgentSource | null): string => {
  const { npm, pip, git, object } = source ?? {};
  const [kind, what] =
    npm !== undefined
      ? ['npm', npm.package_name]
      : pip !== undefined
        ? ['pip', pip.package_name]
        : git !== undefined
          ? ['git', `${git.repository}${git.ref === undefined ? '' : ` at ${git.ref}`}`]
          : ['object', object?.object_id ?? ''];
  return source === null ? '-' : `${kind} ${what}`;
};

const visibility = (agent: AgentView): string =>
  isReadyMade(agent) ? 'ready-made' : agent.is_public ? 'public' : 'own';

/** Agents for people, in the order given. */
export const agentTable = (agents: readonly AgentView[]): string =>
  table(
    ['ID', 'NAME', 'VERSION', 'SOURCE', '', 'AGE'],
    agents.map((agent) => [
      agent.id,
      agent.name,
      agent.version ?? '-',
      sourceText(agent.source),
      visibility(agent),
      formatDuration(Date.now() - agent.create_time_ms),
    ]),
  );

const labelWidth = 13;

/** All there is to say of one agent, a line each; with how a ready-made one is put to work. */
export const agentText = (agent: AgentView): string => {
  const { source, ready_made: readyMade } = agent;
  const setup = source?.[source.type]?.agent_setup ?? [];
  const lines: ReadonlyArray<readonly [string, string]> = [
    ['version', agent.version ?? ''],
    ['source', sourceText(source)],
    ['visibility', visibility(agent)],
    ['created', new Date(agent.create_time_ms).toISOString()],
    ...setup.map((line, index) => [index === 0 ? 'set-up' : '', shortened(line)] as const),
    ...(readyMade === undefined
      ? []
      : ([
          ['key', readyMade.key_variable],
          ['base URL', `${readyMade.base_url_variable} ${dim(`(${readyMade.wire})`)}`],
          ['model', readyMade.model_variable],
          ...Object.entries(readyMade.environment).map(([name, value]) => ['sets', `${name}=${value}`] as const),
          ['run', readyMade.run],
          ['try', `./berth run --agent ${agent.name} --repo . -- "find the bug"`],
        ] as const)),
  ];
  const shown = lines.flatMap(([label, text]) => (text === '' ? [] : [`${label.padEnd(labelWidth)}${text}`]));
  return [`${bold(agent.id)} ${agent.name}`, ...shown].join('\n');
};

const shortened = (line: string): string => {
  const [first = '', ...rest] = line.split('\n');
  return rest.length === 0 ? first : `${first} …`;
};
