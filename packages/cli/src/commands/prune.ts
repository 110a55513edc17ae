import type { DevboxView } from '@berth/contract';
import { hasEnded } from '../devboxes/view.ts';
import { type ApiClient, ApiFailure } from '../http/client.ts';
import { everyItem } from '../http/pages.ts';
import { agrees } from '../output/agreement.ts';
import { CommandFailure } from '../output/failure.ts';
import { formatBytes } from '../output/quantities.ts';
import { dim, print, printJson, remark } from '../output/style.ts';

/** What every `prune` takes. */
export interface PruneChoice {
  readonly yes?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

/** What kind of thing is pruned. */
export interface Prunable<Item> {
  /** `snapshot`; its plural has an s. */
  readonly noun: string;
  readonly table: (items: readonly Item[]) => string;
  /** Deletes one; or all of them, and gives the ids of those that went. */
  readonly remove:
    | ((id: string) => Promise<unknown>)
    | { readonly all: (ids: readonly string[]) => Promise<readonly string[]> };
  /** What they take together, where that is known. */
  readonly bytes?: (items: readonly Item[]) => number;
}

/** Shows what goes, asks where nothing else is said, deletes. @throws CommandFailure when nothing, or not all, could go */
export const prune = async <Item extends { readonly id: string }>(
  { goes, stays }: { readonly goes: readonly Item[]; readonly stays: readonly Item[] },
  options: PruneChoice,
  kind: Prunable<Item>,
): Promise<void> => {
  const { bytes } = kind;
  const countOf = ({ length }: readonly Item[]): string => `${length} ${kind.noun}${length === 1 ? '' : 's'}`;
  if (!options.json) {
    tell(goes, stays, kind, countOf);
  }
  const agreed =
    goes.length > 0 &&
    !options.dryRun &&
    (options.yes || (!options.json && (await agrees(`Delete ${countOf(goes)}?`))));
  const deleted = agreed ? await deleteAll(goes, kind) : [];
  if (options.json) {
    const freed = bytes === undefined ? {} : { freedBytes: bytes(deleted) };
    printJson({ goes, stays: stays.length, ...freed, deleted: deleted.map(({ id }) => id) });
  } else if (agreed) {
    print(`${countOf(deleted)} deleted${bytes === undefined ? '' : `, ${formatBytes(bytes(deleted))}`}`);
  } else if (goes.length > 0 && !options.dryRun) {
    throw new CommandFailure('nothing was deleted', { hint: '--yes deletes without asking' });
  }
  if (deleted.length < goes.length && agreed) {
    throw new CommandFailure(`${goes.length - deleted.length} could not be deleted`);
  }
};

/** Ids of the blueprints, or snapshots, that living boxes (suspended ones included) were started from. */
export const sourcesInUse = async (
  client: ApiClient,
  source: 'blueprint_id' | 'snapshot_id',
): Promise<ReadonlySet<string>> => {
  const used = new Set<string>();
  for await (const devbox of everyItem<DevboxView>(client, '/v1/devboxes', 'devboxes')) {
    const id = devbox[source];
    if (typeof id === 'string' && !hasEnded(devbox)) {
      used.add(id);
    }
  }
  return used;
};

const tell = <Item>(
  goes: readonly Item[],
  stays: readonly Item[],
  { bytes, table }: Prunable<Item>,
  countOf: (items: readonly Item[]) => string,
): void => {
  if (goes.length === 0) {
    remark(dim(`nothing to delete; ${countOf(stays)} ${stays.length === 1 ? 'stays' : 'stay'}`));
    return;
  }
  const size = (items: readonly Item[]): string => (bytes === undefined ? '' : ` with ${formatBytes(bytes(items))}`);
  print(table(goes));
  print(
    `${countOf(goes)}${size(goes)} ${goes.length === 1 ? 'goes' : 'go'}, ${stays.length}${size(stays)} ${stays.length === 1 ? 'stays' : 'stay'}`,
  );
};

/** Deletes one after another; one that cannot go, or is gone already, does not keep the others. */
const deleteAll = async <Item extends { readonly id: string }>(
  goes: readonly Item[],
  { remove }: Prunable<Item>,
): Promise<Item[]> => {
  if (typeof remove !== 'function') {
    const gone = new Set(await remove.all(goes.map(({ id }) => id)));
    return goes.filter(({ id }) => gone.has(id));
  }
  const deleted: Item[] = [];
  for (const item of goes) {
    try {
      await remove(item.id);
      deleted.push(item);
    } catch (error) {
      if (!(error instanceof ApiFailure)) {
        throw error;
      }
      remark(`${item.id} stays: ${error.message}`);
    }
  }
  return deleted;
};
