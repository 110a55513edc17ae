import { execFileSync } from 'node:child_process';
import { controlGroupsNaming, interfacesNamed, loopDevicesNaming, mountsNaming, processesNaming } from './kernel.ts';

/** nftables tables whose name starts with `prefix`. */
const tablesNamed = (prefix: string): string[] =>
  execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(prefix));

/** One line for everything that an ended installation left behind in the kernel. */
export function leftovers(state: string, network: { readonly interfacePrefix: string }): string[] {
  return [
    ...processesNaming(state),
    ...mountsNaming(state),
    ...loopDevicesNaming(state),
    ...interfacesNamed(network.interfacePrefix),
    ...tablesNamed(network.interfacePrefix),
    ...controlGroupsNaming(`berth-${network.interfacePrefix}`),
  ];
}

/** One line for everything in the kernel that still belongs to a deleted box. */
export function boxLeftovers(boxIds: readonly string[]): string[] {
  return boxIds.flatMap((id) => [...processesNaming(id), ...mountsNaming(id), ...controlGroupsNaming(id)]);
}
