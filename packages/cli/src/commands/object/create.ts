import { Command } from 'commander';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { createObject } from '../../objects/object.ts';
import { print, printJson } from '../../output/style.ts';
import { type ObjectOptions, wishOf, withObjectOptions } from './options.ts';

export const createObjectCommand = (): Command =>
  withObjectOptions(
    new Command('create').description(
      'make an object for somebody else to upload: prints its id and the URL to PUT to',
    ),
  )
    .addHelpText(
      'after',
      `
The URL needs no key, and works in boxes too: curl -T result.bin "$url". End the upload with: ./berth object complete <id>

Examples:
  ./berth object create --name result --type binary
  ./berth object create --name result --json`,
    )
    .action(async (options: ObjectOptions) => {
      const client = new ApiClient(findEndpoint());
      const object = await createObject(client, wishOf(options, 'object', 'unspecified'));
      if (options.json) {
        printJson(object);
      } else {
        print(`${object.id}\n${object.upload_url}`);
      }
    });
