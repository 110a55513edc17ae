import { lookup } from 'node:dns/promises';

/** Where these are, each `host:port`. A name that cannot be resolved now opens nothing; the next start of the host tries again. */
export async function registryAddresses(names: readonly string[]): Promise<Array<{ address: string; port: number }>> {
  const found = await Promise.all(
    names.map(async (name) => {
      const at = name.lastIndexOf(':');
      const all = await lookup(name.slice(0, at), { family: 4, all: true }).catch(() => []);
      return all.map(({ address }) => ({ address, port: Number(name.slice(at + 1)) }));
    }),
  );
  return found.flat().filter(({ address }) => !address.startsWith('127.'));
}
