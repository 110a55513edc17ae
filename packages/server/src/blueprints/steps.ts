import { posix } from 'node:path';
import type { BlueprintCodeMount, BlueprintParametersView } from '@berth/contract';
import type { BoxUser, BuildStep } from '@berth/host/contract';

/** A word of bash that means exactly this text. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Absolute path of a mount's target; others count from the box user's home. */
const targetPath = (path: string, home: string): string =>
  posix.resolve(home, path === '~' ? '.' : path.startsWith('~/') ? path.slice(2) : path);

const needGit: BuildStep = {
  kind: 'run',
  user: 'root',
  command: [
    'command -v git >/dev/null && exit',
    'if command -v apt-get >/dev/null; then',
    '  apt-get update && apt-get install -y --no-install-recommends git ca-certificates',
    'elif command -v apk >/dev/null; then apk add git ca-certificates',
    "else echo 'a code mount needs git in the image' >&2; exit 1; fi",
  ].join('\n'),
};

type CodeMount = Omit<BlueprintCodeMount, 'token'>;

/** What any builder can do to have the repository, for previews. The build itself is given what the mirrors of this machine have. */
export const cloneSteps = (mount: CodeMount, home: string, codeOrigin: string): BuildStep[] => {
  const directory = posix.join(home, mount.repo_name);
  const url = `${codeOrigin}/${mount.repo_owner}/${mount.repo_name}.git`;
  const clone = [
    `git clone --recurse-submodules ${quoted(url)} ${quoted(directory)}`,
    ...(mount.git_ref === undefined
      ? []
      : [
          `cd ${quoted(directory)}`,
          `git checkout --quiet ${quoted(mount.git_ref)} --`,
          'git submodule update --init --recursive',
        ]),
  ];
  return [{ kind: 'run', command: `set -e\n${clone.join('\n')}` }];
};

const installSteps = ({ install_command: command, repo_name }: CodeMount, home: string): BuildStep[] =>
  command === undefined || command === '' ? [] : [{ kind: 'run', command, directory: posix.join(home, repo_name) }];

/** What is done on top of the base, in the order of the API (§12.2): files, repositories as `repository` brings them, commands. */
export const buildSteps = (
  parameters: Pick<BlueprintParametersView, 'file_mounts' | 'code_mounts' | 'system_setup_commands'>,
  { home }: BoxUser,
  repository: (mount: CodeMount, index: number) => readonly BuildStep[],
): BuildStep[] => {
  const repositories = parameters.code_mounts ?? [];
  return [
    ...Object.entries(parameters.file_mounts ?? {}).map(
      ([path, content]): BuildStep => ({ kind: 'file', path: targetPath(path, home), content }),
    ),
    ...(repositories.length === 0 ? [] : [needGit]),
    ...repositories.flatMap((mount, index) => [...repository(mount, index), ...installSteps(mount, home)]),
    ...(parameters.system_setup_commands ?? []).map((command): BuildStep => ({ kind: 'run', command })),
  ];
};
