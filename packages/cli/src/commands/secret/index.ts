import type { SecretListView, SecretView } from '@berth/contract';
import { Command } from 'commander';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { print, printJson } from '../../output/style.ts';
import { table } from '../../output/table.ts';
import { parseCount } from '../logs.ts';
import { readSecretValue } from './value.ts';

interface ValueOptions {
  readonly file?: string;
  readonly json?: true;
}

export const secretCommand = (): Command =>
  new Command('secret')
    .description('keep values that boxes get as environment variables; they are never shown again')
    .addCommand(writing('create', 'store a secret', (name) => ['/v1/secrets', { name }]))
    .addCommand(writing('update', 'replace the value of a secret', (name) => [secretPath(name), {}]))
    .addCommand(listCommand())
    .addCommand(getCommand())
    .addCommand(deleteCommand());

const secretPath = (name: string): string => `/v1/secrets/${encodeURIComponent(name)}`;

const writing = (
  verb: 'create' | 'update',
  description: string,
  request: (name: string) => readonly [string, Readonly<Record<string, string>>],
): Command =>
  new Command(verb)
    .description(description)
    .argument('<name>', 'letters, digits, underscores and hyphens')
    .option('-f, --file <path>', 'read the value from a file instead of standard input')
    .option('--json', 'print the view as JSON')
    .addHelpText(
      'after',
      `\nExamples:\n  ./berth secret ${verb} TOKEN < token.txt\n  ./berth secret ${verb} TOKEN   (asks, without showing what you type)`,
    )
    .action(async (name: string, options: ValueOptions) => {
      const [path, body] = request(name);
      const value = await readSecretValue(options.file);
      show(await new ApiClient(findEndpoint()).json<SecretView>('POST', path, { body: { ...body, value } }), options);
    });

const listCommand = (): Command =>
  new Command('list')
    .alias('ls')
    .description('show the names of the stored secrets, newest first')
    .option('-n, --limit <count>', 'at most so many', parseCount, 100)
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  ./berth secret list\n  ./berth secret list --limit 10 --json')
    .action(async (options: { limit: number; json?: true }) => {
      const client = new ApiClient(findEndpoint());
      const { secrets } = await client.json<SecretListView>('GET', '/v1/secrets', { query: { limit: options.limit } });
      if (options.json) {
        printJson(secrets);
        return;
      }
      const rows = secrets.map(({ name, id, update_time_ms }) => [name, id, new Date(update_time_ms).toISOString()]);
      print(table(['NAME', 'ID', 'UPDATED'], rows));
    });

const getCommand = (): Command =>
  new Command('get')
    .description('show when a secret was stored; never its value')
    .argument('<name>')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  ./berth secret get GITHUB_TOKEN')
    .action(async (name: string, options: { json?: true }) =>
      show(await new ApiClient(findEndpoint()).json<SecretView>('GET', secretPath(name)), options),
    );

const deleteCommand = (): Command =>
  new Command('delete')
    .alias('rm')
    .description('forget a secret')
    .argument('<name>')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  ./berth secret delete GITHUB_TOKEN')
    .action(async (name: string, options: { json?: true }) => {
      const answer = await new ApiClient(findEndpoint()).json('POST', `${secretPath(name)}/delete`);
      if (options.json) {
        printJson(answer);
      } else {
        print(`${name} deleted`);
      }
    });

const show = (secret: SecretView, options: { readonly json?: true }): void => {
  if (options.json) {
    printJson(secret);
  } else {
    print(`${secret.name} ${secret.id}`);
  }
};
