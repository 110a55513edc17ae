import { posix } from 'node:path';
import type { BoxUser, BuildStep } from '@berth/host/contract';
import { quoted } from './steps.ts';

/** Name that the default image has for Dockerfiles (API §12.2). */
const defaultImage = 'runloop:runloop/starter-x86_64';

/** `RUN` in its JSON form: whatever the script holds, no line of it is read as an instruction. */
const runOf = (script: string): string => `RUN ${JSON.stringify(['/bin/bash', '-c', script])}`;

const userLines = (user: BoxUser): string[] =>
  user.uid === 0
    ? []
    : [
        'USER root',
        runOf(
          `id -u ${user.name} >/dev/null 2>&1 || useradd --create-home --uid ${user.uid} --shell /bin/bash ${user.name}; ` +
            `mkdir -p /etc/sudoers.d; echo '${user.name} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/${user.name}`,
        ),
      ];

const stepLines = (step: BuildStep, user: BoxUser): string[] => {
  if (step.kind === 'run') {
    return [
      `USER ${step.user ?? user.name}`,
      `WORKDIR ${JSON.stringify([step.directory ?? user.home]).slice(2, -2)}`,
      runOf(step.command),
    ];
  }
  const owner = step.path.startsWith(`${user.home}/`) ? user.name : 'root';
  const content = Buffer.from(step.content).toString('base64');
  const write = `mkdir -p ${quoted(posix.dirname(step.path))} && base64 -d <<< ${quoted(content)} > ${quoted(step.path)}`;
  return [`USER ${owner}`, runOf(write)];
};

/**
 * One Dockerfile that makes, with any builder, what a blueprint of these parts is: base, then steps. It stands for the build in previews; the
 * host is given the parts themselves.
 */
export const previewDockerfile = (parts: {
  readonly dockerfile: string | undefined;
  readonly baseBlueprint: string | undefined;
  readonly user: BoxUser;
  readonly steps: readonly BuildStep[];
}): string => {
  const base =
    parts.dockerfile ?? (parts.baseBlueprint === undefined ? `FROM ${defaultImage}` : `FROM ${parts.baseBlueprint}`);
  const lines = [
    ...userLines(parts.user),
    ...parts.steps.flatMap((step) => stepLines(step, parts.user)),
    `USER ${parts.user.name}`,
    `WORKDIR ${parts.user.home}`,
  ];
  return `${base.trimEnd()}\n${lines.join('\n')}\n`;
};
