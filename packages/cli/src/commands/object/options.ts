import { type ObjectContentType, objectContentTypes } from '@berth/contract';
import { type Command, Option } from 'commander';
import { collectPair, durationOption } from '../options.ts';

/** What may be said of an object that is about to be made. */
export interface ObjectOptions {
  readonly name?: string;
  readonly type?: ObjectContentType;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Seconds. */
  readonly ttl?: number;
  readonly public?: true;
  readonly json?: true;
}

export const typeOption = (description: string): Option =>
  new Option('--type <type>', description).choices(objectContentTypes);

export const withObjectOptions = (command: Command): Command =>
  command
    .option('--name <name>', 'its name')
    .addOption(typeOption('what it holds: says how boxes get it when it is mounted'))
    .option('--metadata <KEY=VALUE>', 'a label; may be repeated', collectPair)
    .option('--ttl <duration>', 'delete it after so long: 90s, 5m, 2h, 30d', durationOption)
    .option('--public', 'let every account of this installation read it')
    .option('--json', 'as JSON');

export const wishOf = (options: ObjectOptions, name: string, type: ObjectContentType) => ({
  name: options.name ?? name,
  content_type: options.type ?? type,
  ...(options.metadata === undefined ? {} : { metadata: { ...options.metadata } }),
  ...(options.ttl === undefined ? {} : { ttl_ms: Math.round(options.ttl * 1_000) }),
  ...(options.public === undefined ? {} : { is_public: true }),
});
