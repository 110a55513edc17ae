import { posix } from 'node:path';
import type { BlueprintCodeMount, BlueprintParametersView } from '@berth/contract';
import type { BoxUser, BuildStep } from '@berth/host/contract';

/** A word of bash that means exactly this text. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Absolute path of a mount's target; others count from the box user's home. */
const targetPath = (path: string, home: string): string =>
  posix.resolve(home, path === '~' ? '.' : path.startsWith('~/') ? path.slice(2) : path);

/** Variable that holds the token of the code mount at this place while the image is built. */
export const codeTokenVariable = (index: number): string => `BERTH_CODE_MOUNT_TOKEN_${index}`;

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

/** Git asks the helper for the token, which comes from the environment: it stands in no argument and no file. It is given to this server alone. */
const credentialHelper = (origin: string, variable: string): string =>
  quoted(`credential.${origin}.helper=!f() { echo username=x-access-token; echo "password=$${variable}"; }; f`);

const cloneSteps = (
  mount: CodeMount,
  index: number,
  parts: { readonly home: string; readonly buildId: string; readonly codeOrigin: string; readonly hasToken: boolean },
): BuildStep[] => {
  const directory = posix.join(parts.home, mount.repo_name);
  const url = `${parts.codeOrigin}/${mount.repo_owner}/${mount.repo_name}.git`;
  const helper = parts.hasToken ? ` -c ${credentialHelper(parts.codeOrigin, codeTokenVariable(index))}` : '';
  const clone = [
    // What a branch is may change with every build, so that none finds this step in the cache.
    `: ${parts.buildId}`,
    'export GIT_TERMINAL_PROMPT=0',
    `git${helper} clone --recurse-submodules ${quoted(url)} ${quoted(directory)}`,
    ...(mount.git_ref === undefined
      ? []
      : [
          `cd ${quoted(directory)}`,
          `git checkout --quiet ${quoted(mount.git_ref)} --`,
          `git${helper} submodule update --init --recursive`,
        ]),
  ];
  return [
    { kind: 'run', command: `set -e\n${clone.join('\n')}` },
    ...(mount.install_command === undefined || mount.install_command === ''
      ? []
      : [{ kind: 'run', command: mount.install_command, directory } as const]),
  ];
};

/** What is done on top of the base, in the order of the API (§12.2): files, repositories, commands. */
export const buildSteps = (
  parameters: Pick<BlueprintParametersView, 'file_mounts' | 'code_mounts' | 'system_setup_commands'>,
  parts: {
    readonly user: BoxUser;
    readonly buildId: string;
    /** Where the repositories are: `https://github.com`. */
    readonly codeOrigin: string;
    readonly hasToken: (index: number) => boolean;
  },
): BuildStep[] => {
  const { home } = parts.user;
  const repositories = parameters.code_mounts ?? [];
  return [
    ...Object.entries(parameters.file_mounts ?? {}).map(
      ([path, content]): BuildStep => ({ kind: 'file', path: targetPath(path, home), content }),
    ),
    ...(repositories.length === 0 ? [] : [needGit]),
    ...repositories.flatMap((mount, index) =>
      cloneSteps(mount, index, { ...parts, home, hasToken: parts.hasToken(index) }),
    ),
    ...(parameters.system_setup_commands ?? []).map((command): BuildStep => ({ kind: 'run', command })),
  ];
};
