import type { BlueprintView } from '@berth/contract';
import { formatBytes, formatDuration } from '../output/quantities.ts';
import { bold, green, red, yellow } from '../output/style.ts';
import { table } from '../output/table.ts';

const colours: Readonly<Record<string, (text: string) => string>> = { build_complete: green, failed: red };

/** Status with its colour; `deleted` once it is. */
export const statusText = ({ status, state }: BlueprintView): string =>
  state === 'deleted' ? 'deleted' : (colours[status] ?? yellow)(status);

const builtIn = ({ create_time_ms, build_finish_time_ms }: BlueprintView): string =>
  build_finish_time_ms === null ? '' : formatDuration(build_finish_time_ms - create_time_ms);

const sizeText = ({ size_bytes }: BlueprintView): string => (size_bytes === null ? '-' : formatBytes(size_bytes));

/** What went wrong, or what stands in for the base; empty when there is nothing to say. */
const remarkText = ({ failure_message, stand_in }: BlueprintView): string =>
  (failure_message ?? stand_in ?? '').replaceAll(/\s+/g, ' ').slice(0, 60);

/** Blueprints for people, in the order given. */
export const blueprintTable = (blueprints: readonly BlueprintView[]): string =>
  table(
    ['ID', 'NAME', 'STATUS', 'SIZE', 'AGE', ''],
    blueprints.map((blueprint) => [
      blueprint.id,
      blueprint.name,
      statusText(blueprint),
      sizeText(blueprint),
      formatDuration(Date.now() - blueprint.create_time_ms),
      remarkText(blueprint),
    ]),
  );

const labelWidth = 11;

/** All there is to say of one blueprint, a line each. */
export const blueprintText = (blueprint: BlueprintView): string => {
  const { parameters } = blueprint;
  const lines: ReadonlyArray<readonly [string, string]> = [
    ['status', [statusText(blueprint), blueprint.failure_message ?? ''].filter(Boolean).join(': ')],
    ['size', blueprint.size_bytes === null ? '' : formatBytes(blueprint.size_bytes)],
    ['base', blueprint.base_blueprint_id ?? (parameters.dockerfile ? '' : 'the default image')],
    ['stand-in', blueprint.stand_in ?? ''],
    ['created', new Date(blueprint.create_time_ms).toISOString()],
    ['built in', builtIn(blueprint)],
    ...Object.entries(blueprint.metadata).map(([key, value]) => ['metadata', `${key}=${value}`] as const),
    ...(parameters.dockerfile ?? '')
      .trimEnd()
      .split('\n')
      .map((line, index) => [index === 0 ? 'dockerfile' : '', line] as const),
    ...(parameters.system_setup_commands ?? []).map((line, index) => [index === 0 ? 'set-up' : '', line] as const),
  ];
  const shown = lines.flatMap(([label, text]) => (text === '' ? [] : [`${label.padEnd(labelWidth)}${text}`]));
  return [`${bold(blueprint.id)} ${blueprint.name}`, ...shown].join('\n');
};
