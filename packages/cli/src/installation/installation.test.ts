import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeAtomically } from './atomic-file.ts';
import { ensureInstallation, readInstallation } from './installation.ts';
import { statePaths } from './paths.ts';
import type { Machine } from './registry.ts';

let directory: string;
let machine: Machine;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-installation-'));
  machine = { registry: join(directory, 'list', 'registry.sqlite'), etc: directory };
});
afterEach(() => rmSync(directory, { recursive: true }));

const makeState = (name: string) => {
  mkdirSync(join(directory, name));
  return statePaths(join(directory, name));
};
const idsOf = ({ firstOwner, ownerBoxes }: { firstOwner: number; ownerBoxes: number }) => ({
  first: firstOwner,
  end: firstOwner + ownerBoxes * 65_536,
});

describe('ensureInstallation', () => {
  it('decides once, and keeps what it decided but for a port that is named', () => {
    const paths = makeState('one');
    const first = ensureInstallation(paths, undefined, machine);
    expect(first.port).toBe(8080);
    expect(ensureInstallation(paths, undefined, machine)).toEqual(first);
    expect(ensureInstallation(paths, 8090, machine)).toEqual({ ...first, port: 8090 });
    expect(readInstallation(paths)?.port).toBe(8090);
  });

  it('gives every installation names, a network and user ids of its own, whether the others run or not', () => {
    const all = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) =>
      ensureInstallation(makeState(name), undefined, machine),
    );
    expect(new Set(all.map(({ interfacePrefix }) => interfacePrefix)).size).toBe(7);
    expect(new Set(all.map(({ subnet }) => subnet)).size).toBe(7);
    const spans = all.map(idsOf).sort((one, other) => one.first - other.first);
    for (const [index, { first, end }] of spans.entries()) {
      expect(first).toBeGreaterThan(65_536);
      expect(end).toBeLessThanOrEqual(spans[index + 1]?.first ?? 2 ** 31);
    }
    expect(all[0]?.interfacePrefix).toMatch(/^bth[0-9a-f]{3}$/);
  });

  it('leaves the ids of people and of other container programs alone', () => {
    writeFileSync(join(directory, 'passwd'), 'root:x:0:0::/:/bin/sh\nfar:x:2000000000:2000000000::/:/bin/sh\n');
    writeFileSync(join(directory, 'subgid'), 'someone:1610612736:65536\n');
    const { first, end } = idsOf(ensureInstallation(makeState('one'), undefined, machine));
    expect(end - first).toBe(4_096 * 65_536);
    expect(first > 2_000_000_000 || end <= 2_000_000_000).toBe(true);
    expect(first >= 1_610_612_736 + 65_536 || end <= 1_610_612_736).toBe(true);
  });

  it('leaves an installation of an earlier version, and disks without their file, the ids they have', () => {
    const paths = makeState('old');
    const old = { port: 8080, subnet: '10.77.0.0/16', interfacePrefix: 'bthabc', createdMs: 1 };
    writeFileSync(paths.installation, JSON.stringify(old));
    const kept = { ...old, firstOwner: 1_000_000, ownerBoxes: 4_096 };
    expect(ensureInstallation(paths, undefined, machine)).toEqual(kept);
    expect(ensureInstallation(makeState('new'), undefined, machine).firstOwner).toBeGreaterThan(300_000_000);

    const lost = makeState('lost');
    mkdirSync(join(lost.state, 'host'));
    writeFileSync(join(lost.state, 'host', 'host.sqlite'), '');
    expect(ensureInstallation(lost, undefined, machine).firstOwner).toBe(1_000_000);

    const chosen = ensureInstallation(makeState('chosen'), undefined, machine);
    mkdirSync(join(directory, 'chosen', 'host'));
    writeFileSync(join(directory, 'chosen', 'host', 'host.sqlite'), '');
    rmSync(join(directory, 'chosen', 'installation.json'));
    expect(ensureInstallation(statePaths(join(directory, 'chosen')), undefined, machine).firstOwner).toBe(
      chosen.firstOwner,
    );
  });

  it('takes the place of one whose state is gone only when there is no other', () => {
    const range = (name: string) => {
      const paths = makeState(name);
      const installation = ensureInstallation(paths, undefined, machine);
      age(paths.installation, machine.registry, paths.state);
      return installation.firstOwner;
    };
    const gone = range('0');
    rmSync(join(directory, '0'), { recursive: true });
    const others = [1, 2, 3, 4, 5].map((number) => range(String(number)));
    expect(others).not.toContain(gone);
    expect(range('6')).toBe(gone);
    expect(ensureInstallation(makeState('7'), undefined, machine).ownerBoxes).toBeLessThan(4_096);
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

/** As if it had been made a day ago. */
function age(file: string, registry: string, state: string): void {
  const installation = JSON.parse(readFileSync(file, 'utf8')) as { createdMs: number };
  const createdMs = installation.createdMs - 86_400_000;
  writeFileSync(file, JSON.stringify({ ...installation, createdMs }));
  const database = new DatabaseSync(registry);
  database.prepare('UPDATE installations SET createdMs = ? WHERE state = ?').run(createdMs, state);
  database.close();
}
