import { describe, expect, it } from 'vitest';
import { parseNameservers, readConfiguration } from '../../src/local/configuration.ts';
import { initialMeminfo } from '../../src/local/meminfo.ts';
import { parseStat } from '../../src/local/process-table.ts';
import { StatePaths } from '../../src/local/state-paths.ts';

const environment = { BERTH_GUEST_BINARY: '/g', BERTH_HELPER_BINARY: '/h' };

describe('the configuration', () => {
  it('has defaults for all but the programs', async () => {
    expect(await readConfiguration(environment)).toMatchObject({
      stateDirectory: '/var/lib/berth',
      runtime: 'runc',
      volumeBytes: undefined,
      imageRootfs: undefined,
    });
    await expect(readConfiguration({ BERTH_GUEST_BINARY: '/g' })).rejects.toThrow(/BERTH_HELPER_BINARY/);
  });

  it.each([
    ['BERTH_INTERFACE_PREFIX', 'Upper'],
    ['BERTH_INTERFACE_PREFIX', 'far-too-long'],
    ['BERTH_VOLUME_BYTES', '10G'],
    ['BERTH_FIRST_OWNER', 'x'],
    ['BERTH_OWNER_BOXES', '-1'],
  ])('names what is wrong with %s=%s', async (name, value) => {
    await expect(readConfiguration({ ...environment, [name]: value })).rejects.toThrow(name);
  });

  it('finds the IPv4 name servers of the machine', () => {
    const text = '# nameserver 1.1.1.1\nnameserver 9.9.9.9\nnameserver fe80::1\n  nameserver 8.8.8.8 # x\nsearch a\n';
    expect(parseNameservers(text)).toEqual(['9.9.9.9', '8.8.8.8']);
  });
});

describe('paths', () => {
  it('are refused when the kernel could not bind a socket there', () => {
    expect(() => new StatePaths('/var/lib/berth').checkLengths()).not.toThrow();
    expect(() => new StatePaths(`/${'x'.repeat(80)}`).checkLengths()).toThrow(/BERTH_STATE is too long/);
  });
});

it('reads state and start time of a process whose name has brackets', () => {
  const stat = `12 (a) b (c)) S 1 ${Array.from({ length: 17 }, (_, index) => index).join(' ')} 4711 0`;
  expect(parseStat(stat)).toEqual({ state: 'S', startTimeTicks: 4711 });
  expect(parseStat('')).toBeUndefined();
});

it('shows the memory of the box from the first moment', () => {
  expect(initialMeminfo(256 * 2 ** 20)).toMatch(/^MemTotal: +262144 kB\n/);
});
