import { execFileSync } from 'node:child_process';
import { controlGroupsNaming, interfacesNamed, loopDevicesNaming, mountsNaming, processesNaming } from './kernel.ts';

/** nftables tables whose name starts with `prefix`. */
const tablesNamed = (prefix: string): string[] =>
  execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(prefix));

/**
 * One line for everything that an ended installation left behind in the kernel. A volume that is still mounted in the mount namespace of a
 * stranger, who copied it when he made his own, is not ours to free; nor is its loop device.
 */
export function leftovers(state: string, network: { readonly interfacePrefix: string }): string[] {
  const copied = mountsNaming(state).length > 0;
  return [
    ...processesNaming(state),
    ...mountsNaming(state, [process.pid]),
    ...(copied ? [] : loopDevicesNaming(state)),
    ...interfacesNamed(network.interfacePrefix),
    ...tablesNamed(network.interfacePrefix),
    ...controlGroupsNaming(`berth-${network.interfacePrefix}`),
  ];
}

/** One line for everything in the kernel that still belongs to a deleted box. */
export function boxLeftovers(boxIds: readonly string[]): string[] {
  return boxIds.flatMap((id) => [...processesNaming(id), ...mountsNaming(id), ...controlGroupsNaming(id)]);
}
