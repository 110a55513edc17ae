import { type BoxRow, stateOf } from './box-row.ts';
import type { HostParts } from './host-parts.ts';

/** Writes what has become of a box, and tells everyone. With `firmly` not even a power loss takes it away. */
export function recordRow(
  { store, emit }: Pick<HostParts, 'store' | 'emit'>,
  row: BoxRow,
  { firmly = false }: { readonly firmly?: boolean } = {},
): BoxRow {
  const written = firmly ? store.putFirmly(row) : store.put(row);
  emit({ type: 'box', state: stateOf(row) });
  return written;
}
