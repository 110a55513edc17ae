import { basename, join, resolve } from 'node:path';
import { Command } from 'commander';
import { packContext } from '../../blueprints/pack-context.ts';
import { uploadContext } from '../../blueprints/upload-context.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { deleteObject } from '../../objects/object.ts';
import { formatBytes } from '../../output/quantities.ts';
import { dim, remark } from '../../output/style.ts';
import { buildAndTell } from './build.ts';
import { addWishOptions, readText, type WishOptions, wishOfOptions } from './build-options.ts';

interface FromDockerfileOptions extends WishOptions {
  readonly name?: string;
  readonly dockerfile?: string;
}

const examples = `
The directory is the build context, without what its .dockerignore leaves out. It is uploaded for this build and deleted after it
(with --no-wait a week later). Ctrl-C cancels the build.

Examples:
  ./berth blueprint from-dockerfile .
  ./berth blueprint from-dockerfile ./service --name service --dockerfile ./service/Dockerfile.dev --build-arg VERSION=2`;

export const fromDockerfileCommand = (): Command =>
  addWishOptions(
    new Command('from-dockerfile')
      .description('build the Dockerfile of a directory, with the files beside it')
      .argument('<directory>', 'a directory here')
      .option('--name <name>', 'name of the blueprint (that of the directory)')
      .option('--dockerfile <file>', 'in place of <directory>/Dockerfile'),
  )
    .addHelpText('after', examples)
    .action(async (directory: string, options: FromDockerfileOptions) => {
      const client = new ApiClient(findEndpoint());
      const dockerfile = readText(options.dockerfile ?? join(directory, 'Dockerfile'));
      const name = options.name ?? basename(resolve(directory));
      const objectId = await sendContext(client, directory, name);
      const wish = {
        name,
        dockerfile,
        build_context: { type: 'object', object_id: objectId } as const,
        ...wishOfOptions(options),
      };
      try {
        await buildAndTell(client, wish, options);
      } finally {
        if (options.wait) {
          await deleteObject(client, objectId);
        }
      }
    });

const sendContext = async (client: ApiClient, directory: string, name: string): Promise<string> => {
  const context = await packContext(directory);
  try {
    remark(dim(`context: ${context.files} files, ${formatBytes(context.sizeBytes)} packed`));
    return await uploadContext(client, context, name);
  } finally {
    context[Symbol.dispose]();
  }
};
