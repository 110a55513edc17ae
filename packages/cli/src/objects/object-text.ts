import type { ObjectView } from '@berth/contract';
import { formatBytes } from '../output/quantities.ts';
import { bold, dim, green, red, yellow } from '../output/style.ts';
import { table } from '../output/table.ts';

const colours = { READ_ONLY: green, UPLOADING: yellow, ERROR: red, DELETED: dim } as const;

const size = (bytes: number | null): string => (bytes === null ? '-' : formatBytes(bytes));
const time = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');

export const objectTable = (objects: readonly ObjectView[]): string =>
  table(
    ['id', 'state', 'type', 'size', 'created (UTC)', 'name'],
    objects.map((object) => [
      object.id,
      colours[object.state](object.state),
      object.content_type,
      size(object.size_bytes),
      time(object.create_time_ms),
      object.name,
    ]),
  );

/** All there is to say of one object, a line each. */
export const objectText = (object: ObjectView): string =>
  [
    `${bold(object.id)} ${object.name}`,
    `state     ${colours[object.state](object.state)}`,
    `type      ${object.content_type}`,
    `size      ${size(object.size_bytes)}`,
    `created   ${time(object.create_time_ms)}`,
    ...(object.delete_after_time_ms === null ? [] : [`until     ${time(object.delete_after_time_ms)}`]),
    ...(object.is_public ? ['public    yes'] : []),
    ...Object.entries(object.metadata).map(([key, value]) => `metadata  ${key}=${value}`),
  ].join('\n');
