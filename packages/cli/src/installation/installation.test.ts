import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeAtomically } from './atomic-file.ts';
import { ensureInstallation, freeSubnet, readInstallation, usedIpv4Networks } from './installation.ts';
import { statePaths } from './paths.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-installation-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('ensureInstallation', () => {
  it('decides once, and keeps what it decided but for a port that is named', () => {
    const paths = statePaths(directory);
    const first = ensureInstallation(paths, undefined);
    expect(first.port).toBe(8080);
    expect(ensureInstallation(paths, undefined)).toEqual(first);
    expect(ensureInstallation(paths, 8090)).toEqual({ ...first, port: 8090 });
    expect(readInstallation(paths)?.port).toBe(8090);
  });

  it('gives two installations names and networks of their own', () => {
    const [one, other] = ['one', 'other'].map((name) => {
      mkdirSync(join(directory, name));
      return ensureInstallation(statePaths(join(directory, name)), undefined);
    });
    expect(one?.interfacePrefix).not.toBe(other?.interfacePrefix);
    expect(one?.interfacePrefix).toMatch(/^[a-z][a-z0-9]{0,7}$/);
  });
});

describe('freeSubnet', () => {
  it('steps over networks that are in use, and fails when all are', () => {
    const wished = freeSubnet('/state', new Set());
    const second = Number(wished.split('.')[1]);
    expect(wished).toBe(`10.${second}.0.0/16`);
    expect(freeSubnet('/state', new Set([second]))).not.toBe(wished);
    expect(() => freeSubnet('/state', new Set(Array.from({ length: 256 }, (_, number) => number)))).toThrow(
      /no free network/,
    );
  });

  it('reads networks in use from the routing table', () => {
    const table = 'Iface\tDestination\tGateway\neth0\t00004D0A\t00000000\neth0\t0000A8C0\t00000000\n';
    expect(usedIpv4Networks(table).has(77)).toBe(true);
    expect(usedIpv4Networks(table).has(168)).toBe(false);
  });
});

describe('writeAtomically', () => {
  it('replaces the whole file and leaves nothing else', () => {
    const path = join(directory, 'file');
    writeAtomically(path, 'first, and longer');
    writeAtomically(path, 'second', { mode: 0o600 });
    expect(readFileSync(path, 'utf8')).toBe('second');
    expect(readdirSync(directory)).toEqual(['file']);
  });
});
