import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { isOpened } from './location.ts';
import { RepositoryError } from './repository-error.ts';
import type { RepositorySettings } from './settings.ts';

/** Addresses that are nobody's business of a caller: this machine, private and link-local networks, what is reserved. */
const closed = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  closed.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2001::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  closed.addSubnet(network, prefix, 'ipv6');
}

type Interfaces = ReturnType<typeof networkInterfaces>;

/** Whether an address belongs to the public internet, and not to this machine, which may have public ones too. */
export const isPublicAddress = (address: string, interfaces: Interfaces = networkInterfaces()): boolean => {
  const own = new BlockList();
  for (const each of Object.values(interfaces).flatMap((all) => all ?? [])) {
    own.addAddress(each.address, each.family === 'IPv6' ? 'ipv6' : 'ipv4');
  }
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  return !closed.check(address, family) && !own.check(address, family);
};

const defaultPorts: Readonly<Record<string, string>> = { 'https:': '443', 'http:': '80' };

/**
 * Looks the host of a URL up and says how git is to reach it: the addresses that were looked at, and no others, whatever the name is made to
 * say next. Undefined where the host is an address itself, or opened by the operator.
 * @returns value of git's `http.curloptResolve`
 * @throws RepositoryError when the host is private, or unknown
 */
export const pinnedAddresses = async (text: string, settings: RepositorySettings): Promise<string | undefined> => {
  const url = new URL(text);
  if (url.hostname === '' || isOpened(url, settings)) {
    return undefined;
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const found = isIP(host) === 0 ? await lookUp(host) : [host];
  if (!found.every((address) => isPublicAddress(address))) {
    throw new RepositoryError(
      `${host} is in a private network or this machine, from which repositories are not fetched (BERTH_GIT_PRIVATE_HOSTS opens it)`,
    );
  }
  const addresses = found.map((address) => (isIP(address) === 6 ? `[${address}]` : address));
  return isIP(host) === 0 ? `${host}:${url.port || defaultPorts[url.protocol]}:${addresses.join(',')}` : undefined;
};

const lookUp = async (host: string): Promise<string[]> => {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (error) {
    throw new RepositoryError(`the host ${host} cannot be found: ${(error as NodeJS.ErrnoException).code ?? error}`);
  }
};
