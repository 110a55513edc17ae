import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import type { BlueprintWish } from '../../blueprints/blueprint.ts';
import { CommandFailure } from '../../output/failure.ts';
import { collect, collectPair, sizeOption } from '../options.ts';
import type { BuildOptions } from './build.ts';

/** What both ways to make a blueprint let one say. */
export interface WishOptions extends BuildOptions {
  readonly setup?: readonly string[];
  readonly file?: Readonly<Record<string, string>>;
  readonly code?: ReadonlyArray<Readonly<Record<string, string>>>;
  readonly buildArg?: Readonly<Record<string, string>>;
  readonly secret?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly launch?: readonly string[];
  readonly size?: string;
  readonly root?: true;
}

/** `/path/in/the/image=file here` */
const collectFile = (text: string, files: Readonly<Record<string, string>> = {}): Record<string, string> => {
  const equals = text.indexOf('=');
  if (equals <= 0 || equals === text.length - 1) {
    throw new InvalidArgumentError('write /path/in/the/box=file-here');
  }
  return { ...files, [text.slice(0, equals)]: text.slice(equals + 1) };
};

/** `owner/name`, `owner/name@ref` */
const collectCode = (
  text: string,
  mounts: ReadonlyArray<Readonly<Record<string, string>>> = [],
): Array<Readonly<Record<string, string>>> => {
  const [, owner, name, ref] = /^([^/@]+)\/([^/@]+)(?:@(.+))?$/.exec(text) ?? [];
  if (owner === undefined || name === undefined) {
    throw new InvalidArgumentError('write owner/name or owner/name@branch');
  }
  return [...mounts, { repo_owner: owner, repo_name: name, ...(ref === undefined ? {} : { git_ref: ref }) }];
};

export const addWishOptions = (command: Command): Command =>
  command
    .option('--setup <command>', 'run this in the image, as the box user with sudo; may be repeated', collect)
    .option('--file <PATH=FILE>', 'put a file from here into the image; may be repeated', collectFile)
    .option('--code <owner/name[@ref]>', 'clone this GitHub repository into the home; may be repeated', collectCode)
    .option('--build-arg <NAME=VALUE>', 'for ARG of the Dockerfile; may be repeated', collectPair)
    .option('--secret <ENV=NAME>', 'stored secret NAME as variable ENV while it is built; may be repeated', collectPair)
    .option('--metadata <KEY=VALUE>', 'label; may be repeated', collectPair)
    .option('--launch <command>', 'boxes run this at every start; may be repeated', collect)
    .option('--size <size>', 'how large boxes are (SMALL)', sizeOption)
    .option('--root', 'boxes, and set-up commands, run as root instead of user')
    .option('--no-wait', 'do not wait until it is built')
    .option('-q, --quiet', 'do not show the log')
    .option('--json', 'print the whole view');

/** The part of a create that these options stand for. @throws CommandFailure when a file cannot be read */
export const wishOfOptions = (options: WishOptions): Omit<BlueprintWish, 'name'> => {
  const launch = {
    ...(options.size === undefined ? {} : { resource_size_request: options.size }),
    ...(options.launch === undefined ? {} : { launch_commands: options.launch }),
    ...(options.root ? { user_parameters: { username: 'root', uid: 0 } } : {}),
  };
  return {
    ...(options.setup === undefined ? {} : { system_setup_commands: options.setup }),
    ...(options.file === undefined ? {} : { file_mounts: contentsOf(options.file) }),
    ...(options.code === undefined ? {} : { code_mounts: options.code }),
    ...(options.buildArg === undefined ? {} : { build_args: options.buildArg }),
    ...(options.secret === undefined ? {} : { secrets: options.secret }),
    ...(options.metadata === undefined ? {} : { metadata: options.metadata }),
    ...(Object.keys(launch).length === 0 ? {} : { launch_parameters: launch }),
  };
};

/** The text of a file here; `-` is the standard input. @throws CommandFailure */
export const readText = (path: string): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path === '-' ? 0 : path));
  } catch (error) {
    throw new CommandFailure(`cannot read ${path}: ${error instanceof Error ? error.message : error}`);
  }
};

const contentsOf = (files: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).map(([target, path]) => [target, readText(path)]));
