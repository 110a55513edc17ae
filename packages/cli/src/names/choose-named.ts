import { CommandFailure } from '../output/failure.ts';

/** Something that a name may mean. */
export interface Named {
  readonly id: string;
  readonly name?: string | null | undefined;
}

/**
 * The one thing of this name.
 * @param kind what it is, with where to look: `box`, `./berth devbox list`
 * @param describe tells one from another of the same name
 * @throws CommandFailure when there is none, or more than one
 */
export const chooseNamed = <Item extends Named>(
  kind: { readonly one: string; readonly many: string; readonly list: string },
  name: string,
  items: readonly Item[],
  describe: (item: Item) => string,
): Item => {
  if (name === '') {
    throw new CommandFailure(`which ${kind.one}? give an id or a name`);
  }
  const named = items.filter((item) => item.name === name);
  const [only] = named;
  if (only === undefined) {
    throw new CommandFailure(`no ${kind.one} is named '${name}'`, { hint: `${kind.list} shows what there is` });
  }
  if (named.length > 1) {
    throw new CommandFailure(`${named.length} ${kind.many} are named '${name}'`, {
      hint: `give an id: ${named.slice(0, mostShown).map(describe).join(', ')}${named.length > mostShown ? ', …' : ''}`,
    });
  }
  return only;
};

const mostShown = 5;
