import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BuildSpec, BuildStep } from '../contract/index.ts';

/** Scripts of images/build. */
export const BUILD_FILES = new URL('../../images/build/', import.meta.url).pathname;

export type PlannedSpec = Omit<BuildSpec, 'secrets' | 'limits'>;

export interface PlanWish {
  readonly spec: PlannedSpec;
  /** Its names are resolved: what it builds upon is in a store, or in a registry. */
  readonly dockerfile: string;
  /** Whether names that no store knows may be asked for at a registry. */
  readonly pull: boolean;
  /** Names to pull before anything is built, each within `pullTimeoutMs`, if no store knows them. */
  readonly names: readonly string[];
  readonly pullTimeoutMs: number;
  /** Last stages that an earlier build has finished with these very steps, with the image that came of it: by their content ids. */
  readonly finished: ReadonlyMap<string, string>;
}

/** Writes the scripts that every build runs, and the sudo for images that can have no other, which lies beside the guest. */
export async function writeScripts(directory: string, guestBinary: string): Promise<void> {
  // `tree` is where directories of an upload are mounted.
  await mkdir(join(directory, 'bin/tree'), { recursive: true, mode: 0o755 });
  // A guest from elsewhere may have none beside it.
  await copyFile(join(dirname(guestBinary), 'berth-sudo'), join(directory, 'bin/sudo')).catch(() => undefined);
  await Promise.all([
    ...['prepare', 'step'].map((name) => copyFile(join(BUILD_FILES, `${name}.sh`), join(directory, 'bin', name))),
    ...['build.sh', 'runtime.sh'].map((name) => copyFile(join(BUILD_FILES, name), join(directory, name))),
  ]);
}

/** Writes what build.sh reads once it is told to begin. Holds no secret. */
export async function writePlan(directory: string, wish: PlanWish): Promise<void> {
  const { spec, dockerfile, pull } = wish;
  const steps = join(directory, 'steps');
  await mkdir(steps, { mode: 0o755 });
  const put = (name: string, text: string) => writeFile(join(directory, name), text, { mode: 0o644 });
  const stageOptions = Object.entries(spec.arguments).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);
  await Promise.all([
    put('Dockerfile', dockerfile.endsWith('\n') ? dockerfile : `${dockerfile}\n`),
    put('options', words([pull ? '--pull=false' : '--pull-never'])),
    put('stage-options', words([...(spec.target === undefined ? [] : ['--target', spec.target]), ...stageOptions])),
    put('names', words(pull ? wish.names : [])),
    put('pull-seconds', String(Math.ceil(wish.pullTimeoutMs / 1_000))),
    put('user', preparedFor(spec)),
    put('finish.Dockerfile', finishDockerfile(spec, await prepareVersion())),
    ...spec.steps.map((step, index) => (step.kind === 'file' ? putFile(steps, index, step.content) : undefined)),
    ...(spec.steps.some((step) => step.kind === 'run' && step.tree !== undefined) ? [put('wrapped', '')] : []),
    put('finished', [...wish.finished].map(([stage, image]) => `${stage} ${image}\n`).join('')),
  ]);
}

/** The same for builds that do the same after the last stage of their Dockerfile: for whom, and what. */
export async function finishMark(spec: PlannedSpec, secretsMark: string): Promise<string> {
  const { cacheScope, steps } = spec;
  const parts = [cacheScope, secretsMark, steps, preparedFor(spec), await prepareVersion()];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** What the label `io.berth.user` says of an image that is prepared. */
export const preparedFor = ({ user }: Pick<BuildSpec, 'user'>): string =>
  [user.name, user.uid, user.gid, user.home].join(':');

/**
 * The steps that follow the user's own Dockerfile, on top of its last stage (`@STAGE@`), with the USER it ended with in force again (`@USER@`). The lines between
 * `#prepare` and `#prepared` are left out where they have been done.
 */
export function finishDockerfile(spec: PlannedSpec, version: string): string {
  const { user } = spec;
  const prepare = ['/bin/sh', '/.berth/prepare', user.name, String(user.uid), String(user.gid), user.home, version];
  const lines = ['FROM @STAGE@', '#prepare', 'USER 0', `RUN ${JSON.stringify(prepare)}`];
  lines.push(`LABEL io.berth.user="${preparedFor(spec)}"`, '#prepared');
  lines.push(...spec.steps.flatMap((step, index) => stepLines(spec, step, index)));
  lines.push('USER @USER@');
  return `${lines.join('\n')}\n`;
}

function stepLines({ user }: PlannedSpec, step: BuildStep, index: number): string[] {
  if (step.kind === 'run') {
    const home = step.user === undefined || step.user === user.name ? user.home : '~';
    const mount = step.tree === undefined ? '' : `--mount=type=bind,source=trees/${step.tree},target=/.berth/tree `;
    return [
      `USER ${step.user ?? user.name}`,
      `RUN ${mount}${JSON.stringify(['/bin/sh', '/.berth/step', step.directory ?? home, step.command])}`,
    ];
  }
  const isOwn = step.path.startsWith(`${user.home}/`);
  const owner = isOwn ? `${user.uid}:${user.gid}` : '0:0';
  const parents = step.path.slice(0, step.path.lastIndexOf('/')) || '/';
  const mode = (step.mode ?? 0o644).toString(8).padStart(4, '0');
  return [
    `USER ${isOwn ? user.name : '0'}`,
    `RUN ${JSON.stringify(['/bin/sh', '-c', 'mkdir -p "$1"', 'step', parents])}`,
    `COPY --chown=${owner} --chmod=${mode} ${JSON.stringify([fileName(index), escapeVariables(step.path)])}`,
  ];
}

const fileName = (index: number) => `file-${index}`;

const escapeVariables = (path: string) => path.replaceAll('\\', '\\\\').replaceAll('$', '\\$');

/** Of the script: a step that has another is another step. */
const prepareVersion = async (): Promise<string> =>
  createHash('sha256')
    .update(await readFile(join(BUILD_FILES, 'prepare.sh')))
    .digest('hex')
    .slice(0, 12);

/** The same content is the same file, whenever it was written: else no cache would know it again. */
async function putFile(directory: string, index: number, content: string): Promise<void> {
  const path = join(directory, fileName(index));
  await writeFile(path, content, { mode: 0o644 });
  await utimes(path, 0, 0);
}

const words = (all: readonly string[]) => all.map((word) => `${word}\0`).join('');
