import { Command } from 'commander';
import { type BlueprintWish, isBlueprintId, previewBlueprint } from '../../blueprints/blueprint.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { print } from '../../output/style.ts';
import { buildAndTell } from './build.ts';
import { addWishOptions, readText, type WishOptions, wishOfOptions } from './build-options.ts';

interface CreateOptions extends WishOptions {
  readonly dockerfile?: string;
  readonly base?: string;
  readonly preview?: true;
}

const examples = `
Base, then files, repositories and set-up commands: each step is kept for later builds. Ctrl-C cancels the build.

Examples:
  ./berth blueprint create linter --setup 'sudo npm install -g eslint'
  ./berth blueprint create reviewer --dockerfile Dockerfile --secret NPM_TOKEN=npm --size MEDIUM
  ./berth blueprint create with-code --base reviewer --code octocat/Hello-World@master
  printf 'FROM ubuntu:22.04\\nRUN apt-get update' | ./berth blueprint create from-pipe --dockerfile -`;

export const createBlueprintCommand = (): Command =>
  addWishOptions(
    new Command('create')
      .description('build an image that boxes start from, showing how it goes; print its id')
      .argument('<name>', 'a name; the newest of a name is the one that boxes start from')
      .option(
        '--dockerfile <file>',
        'a Dockerfile here; - is standard input. ./berth blueprint from-dockerfile sends files along',
      )
      .option('--base <blueprint>', 'start from this blueprint, by id or name'),
  )
    .option('--preview', 'only print the Dockerfile that stands for it')
    .addHelpText('after', examples)
    .action(async (name: string, options: CreateOptions) => {
      const client = new ApiClient(findEndpoint());
      const wish = wishOf(name, options);
      if (options.preview) {
        print((await previewBlueprint(client, wish)).trimEnd());
      } else {
        await buildAndTell(client, wish, options);
      }
    });

const wishOf = (name: string, options: CreateOptions): BlueprintWish => ({
  name,
  ...(options.dockerfile === undefined ? {} : { dockerfile: readText(options.dockerfile) }),
  ...(options.base === undefined
    ? {}
    : isBlueprintId(options.base)
      ? { base_blueprint_id: options.base }
      : { base_blueprint_name: options.base }),
  ...wishOfOptions(options),
});
