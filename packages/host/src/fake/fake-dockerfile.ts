import type { BuildSpec } from '../contract/index.ts';

/** What a fake build makes of its text. */
export interface FakeRecipe {
  readonly lines: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly workdir: string;
  /** Of CMD alone: its words. */
  readonly command: readonly string[];
  readonly user: string;
  /** The step at which it fails. */
  readonly failedAt?: string;
}

const INSTRUCTIONS =
  /^(FROM|RUN|CMD|LABEL|EXPOSE|ENV|ADD|COPY|ENTRYPOINT|VOLUME|USER|WORKDIR|ARG|ONBUILD|STOPSIGNAL|HEALTHCHECK|SHELL|MAINTAINER)\b/i;

/**
 * Reads a Dockerfile as a test writes it: one instruction a line. What is no instruction fails, and so does a RUN or a step whose command is `false` or
 * `exit` with another number than 0.
 */
export function readFakeDockerfile({ dockerfile, steps }: Pick<BuildSpec, 'dockerfile' | 'steps'>): FakeRecipe {
  const text = dockerfile ?? 'FROM berth:base';
  const instructions = text
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const all = [
    ...instructions,
    ...steps.map((step) => (step.kind === 'run' ? `RUN ${step.command}` : `COPY ${step.path}`)),
  ];
  const lines: string[] = [];
  const [environment, labels] = [new Map<string, string>(), new Map<string, string>()];
  let [workdir, user] = ['/', ''];
  let command: readonly string[] = [];
  for (const [index, line] of all.entries()) {
    lines.push(`STEP ${index + 1}/${all.length}: ${line}`);
    const [word = '', ...rest] = line.split(/\s+/);
    const value = rest.join(' ');
    if (!INSTRUCTIONS.test(line) || (word.toUpperCase() === 'RUN' && /^(false|exit [1-9]\d*)$/.test(value))) {
      const failedAt = line;
      return { lines, environment: {}, labels: {}, workdir, command, user, failedAt };
    }
    const [, key = '', given = ''] = /^([^\s=]+)[=\s]"?([^"]*)"?$/.exec(value) ?? [];
    switch (word.toUpperCase()) {
      case 'ENV':
        environment.set(key, given);
        break;
      case 'LABEL':
        labels.set(key, given);
        break;
      case 'WORKDIR':
        workdir = value;
        break;
      case 'USER':
        user = value;
        break;
      case 'CMD':
        command = value.startsWith('[') ? JSON.parse(value) : ['/bin/sh', '-c', value];
        break;
      default:
    }
  }
  return {
    lines,
    environment: Object.fromEntries(environment),
    labels: Object.fromEntries(labels),
    workdir,
    command,
    user,
  };
}
