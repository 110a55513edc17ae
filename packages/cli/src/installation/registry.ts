import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { freeOwners, freePrefix, freeSubnet, idsOfBox, mostBoxes } from './allotment.ts';
import { usedIds, usedIpv4Networks, usedPrefixes } from './machine.ts';

/** What an installation has for itself on its machine. */
export interface Allotment {
  /** Network of the boxes, a /16. */
  readonly subnet: string;
  /** Start of the names of this installation's network devices. */
  readonly interfacePrefix: string;
  /** First of the user and group ids of the boxes. */
  readonly firstOwner: number;
  /** Boxes that there are ids for, 65,536 each. */
  readonly ownerBoxes: number;
}

type Owners = Pick<Allotment, 'firstOwner' | 'ownerBoxes'>;

/** Where the installations of a machine are listed, and what is taken there by others. */
export interface Machine {
  readonly registry: string;
  /** Directory of passwd, group, subuid and subgid. */
  readonly etc: string;
}

export const thisMachine: Machine = { registry: '/var/lib/berth-installations/registry.sqlite', etc: '/etc' };

interface Listed extends Allotment {
  readonly state: string;
  readonly createdMs: number;
}

interface Newcomer {
  readonly state: string;
  readonly createdMs: number;
  readonly machine: Machine;
  /** Ids that its boxes have already. */
  readonly inherited: Owners | undefined;
}

const busyMs = 10_000;
/** The time between an entry in the list and the file in the state directory. */
const settlingMs = 60_000;

/**
 * Finds what is free on the machine and enters it into the list of its installations, all in one transaction. Installations whose state is
 * gone count as long as there is room beside them: their disk may only be away.
 * @throws Error when nothing is free
 */
export const allot = (newcomer: Newcomer): Allotment =>
  within(newcomer.machine, (database) => enter(database, newcomer));

/** Sees to it that an installation which has chosen already is on the list. */
export const list = (machine: Machine, known: Listed): void =>
  within(machine, (database) => {
    const { state, createdMs, subnet, interfacePrefix, firstOwner, ownerBoxes } = known;
    database
      .prepare('INSERT OR IGNORE INTO installations VALUES (?, ?, ?, ?, ?, ?)')
      .run(state, createdMs, subnet, interfacePrefix, firstOwner, ownerBoxes);
  });

const within = <Result>({ registry }: Machine, act: (database: DatabaseSync) => Result): Result => {
  mkdirSync(dirname(registry), { recursive: true, mode: 0o755 });
  const database = new DatabaseSync(registry, { timeout: busyMs });
  try {
    database.exec(`BEGIN IMMEDIATE;
      CREATE TABLE IF NOT EXISTS installations (
        state TEXT PRIMARY KEY, createdMs INTEGER NOT NULL, subnet TEXT NOT NULL, interfacePrefix TEXT NOT NULL,
        firstOwner INTEGER NOT NULL, ownerBoxes INTEGER NOT NULL
      ) STRICT;`);
    const result = act(database);
    database.exec('COMMIT');
    return result;
  } finally {
    database.close();
  }
};

const enter = (database: DatabaseSync, newcomer: Newcomer): Allotment => {
  const listed = database.prepare('SELECT * FROM installations').all() as unknown as Listed[];
  const own = listed.find(({ state }) => state === newcomer.state);
  if (own !== undefined && newcomer.inherited !== undefined) {
    return own;
  }
  const others = listed.filter(({ state }) => state !== newcomer.state);
  const present = others.filter(isPresent);
  const beside = choose(newcomer, others);
  const allotment = beside?.ownerBoxes === mostBoxes ? beside : choose(newcomer, present);
  if (allotment === undefined) {
    throw new Error(
      `this machine has no network, device name or range of user ids left for another installation beside ${present
        .map(({ state }) => state)
        .join(', ')}`,
    );
  }
  const { subnet, interfacePrefix, firstOwner, ownerBoxes } = allotment;
  for (const other of others.filter((one) => !present.includes(one) && collides(one, allotment))) {
    database.prepare('DELETE FROM installations WHERE state = ?').run(other.state);
  }
  database
    .prepare('INSERT OR REPLACE INTO installations VALUES (?, ?, ?, ?, ?, ?)')
    .run(newcomer.state, newcomer.createdMs, subnet, interfacePrefix, firstOwner, ownerBoxes);
  return allotment;
};

const choose = (newcomer: Newcomer, others: readonly Allotment[]): Allotment | undefined => {
  const { state, machine, inherited } = newcomer;
  const subnet = freeSubnet(state, usedIpv4Networks().union(new Set(others.map((other) => secondByte(other.subnet)))));
  const interfacePrefix = freePrefix(
    state,
    usedPrefixes().union(new Set(others.map((other) => other.interfacePrefix))),
  );
  const owners = inherited ?? freeOwners([...usedIds(machine.etc), ...others.map(spanOf)]);
  return subnet === undefined || interfacePrefix === undefined || owners === undefined
    ? undefined
    : { subnet, interfacePrefix, ...owners };
};

const secondByte = (subnet: string): number => Number(subnet.split('.')[1]);

const spanOf = ({ firstOwner, ownerBoxes }: Owners) => ({
  first: firstOwner,
  last: firstOwner + ownerBoxes * idsOfBox - 1,
});

const collides = (one: Allotment, other: Allotment): boolean =>
  one.subnet === other.subnet ||
  one.interfacePrefix === other.interfacePrefix ||
  (spanOf(one).first <= spanOf(other).last && spanOf(other).first <= spanOf(one).last);

/** Whether the installation that was listed is still in its place. */
const isPresent = ({ state, createdMs }: Listed): boolean => {
  const file = join(state, 'installation.json');
  try {
    if (Math.abs(Date.now() - createdMs) < settlingMs) {
      return true;
    }
    return (
      existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { createdMs: number }).createdMs === createdMs
    );
  } catch {
    return true;
  }
};
