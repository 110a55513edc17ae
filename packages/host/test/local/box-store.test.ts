import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BoxRow, stateOf } from '../../src/local/box-row.ts';
import { BoxStore } from '../../src/local/box-store.ts';
import { openHostDatabase } from '../../src/spool/database.ts';

const row: BoxRow = {
  place: 'dbx-1',
  id: 'dbx-1',
  phase: 'starting',
  isolation: 'container',
  slot: 0,
  size: { cpus: 0.5, memoryBytes: 1, diskBytes: 2, processes: 3 },
  layers: [{ path: '/image', ownerBase: 0 }],
  imageEnvironment: { LANG: 'C.UTF-8' },
  pid: undefined,
  startTimeTicks: undefined,
  netSlot: undefined,
  ipv4: undefined,
  networkOf: undefined,
  cause: undefined,
  detail: undefined,
  startedMs: undefined,
  stoppedMs: undefined,
  memory: undefined,
};

describe('the rows of boxes', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'berth-store-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  /** One life of the host. */
  function life<Result>(act: (store: BoxStore) => Result): Result {
    const database = openHostDatabase(join(directory, 'host.sqlite'));
    try {
      return act(new BoxStore(database, [{ path: '/default', ownerBase: 0 }]));
    } finally {
      database.close();
    }
  }

  it('are there in the next life as they were', () => {
    const running = {
      ...row,
      phase: 'running',
      pid: 7,
      startTimeTicks: 2 ** 40,
      netSlot: 4,
      ipv4: '10.0.0.1',
    } as const;
    life((store) => {
      store.put(row);
      store.put({ ...row, ...running, startedMs: 1_795_000_000_000 });
    });
    expect(life((store) => store.all())).toEqual([{ ...row, ...running, startedMs: 1_795_000_000_000 }]);
    life((store) => store.delete('dbx-1'));
    expect(life((store) => store.get('dbx-1'))).toBeUndefined();
  });

  it('never share a slot, and free it when the box is destroyed', () => {
    life((store) => {
      store.put(row);
      expect(store.freeSlot({ boxes: 2 })).toBe(1);
      store.put({ ...row, place: 'dbx-2', id: 'dbx-2', slot: 1 });
      expect(() => store.put({ ...row, place: 'dbx-3', id: 'dbx-3', slot: 1 })).toThrow(/UNIQUE/);
      expect(() => store.freeSlot({ boxes: 2 })).toThrow(expect.objectContaining({ code: 'noSpace' }));
      store.update('dbx-1', { phase: 'destroyed' });
      expect(store.freeSlot({ boxes: 2 })).toBe(0);
    });
  });

  it('are found by id and by place, also when the id changes', () => {
    life((store) => {
      store.put({ ...row, place: 'p.1', id: 'p.1' });
      store.put({ ...row, place: 'p.1', id: 'dbx-7' });
      expect(store.get('p.1')).toBeUndefined();
      expect(store.get('dbx-7')?.place).toBe('p.1');
      expect(() => store.put({ ...row, place: 'p.2', id: 'dbx-7', slot: 1 })).toThrow(/UNIQUE/);
    });
    expect(life((store) => [store.require('dbx-7').place, store.requireAt('p.1').id])).toEqual(['p.1', 'dbx-7']);
  });

  it('of the first version are taken over', () => {
    const database = openHostDatabase(join(directory, 'host.sqlite'));
    database.exec(`
      CREATE TABLE boxes (
        id TEXT PRIMARY KEY,
        phase TEXT NOT NULL CHECK (phase IN ('starting', 'running', 'stopped', 'destroying', 'destroyed')),
        isolation TEXT NOT NULL, slot INTEGER NOT NULL, size TEXT NOT NULL, pid INTEGER, start_time_ticks INTEGER,
        net_slot INTEGER, ipv4 TEXT, cause TEXT, detail TEXT, started_ms INTEGER, stopped_ms INTEGER
      ) STRICT, WITHOUT ROWID;
      CREATE UNIQUE INDEX boxes_slot ON boxes (slot) WHERE phase <> 'destroyed';
      INSERT INTO boxes VALUES ('dbx-1', 'running', 'container', 4, '{"cpus":1}', 7, 8, 9, '10.0.0.1', NULL, NULL, 5, NULL);
    `);
    database.close();
    for (const _life of [1, 2]) {
      const [taken, ...others] = life((store) => store.all());
      expect(others).toEqual([]);
      expect(taken).toMatchObject({
        place: 'dbx-1',
        id: 'dbx-1',
        phase: 'running',
        slot: 4,
        size: { cpus: 1 },
        pid: 7,
      });
      expect(taken).toMatchObject({ layers: [{ path: '/default', ownerBase: 0 }], imageEnvironment: {} });
    }
    life((store) => expect(store.update('dbx-1', { phase: 'suspended' }).phase).toBe('suspended'));
  });

  it('change only if they are there', () => {
    life((store) => {
      expect(() => store.update('dbx-none', { phase: 'stopped' })).toThrow(
        expect.objectContaining({ code: 'boxNotFound' }),
      );
    });
  });

  it('show a box on its way out as stopped', () => {
    expect(stateOf({ ...row, phase: 'destroying' })).toMatchObject({ phase: 'stopped', cause: 'destroyed' });
    expect(stateOf({ ...row, phase: 'destroying', cause: 'out_of_memory' })).toMatchObject({ cause: 'out_of_memory' });
    expect(stateOf({ ...row, phase: 'resuming' })).toMatchObject({ phase: 'starting' });
    expect(stateOf({ ...row, phase: 'suspended' })).toMatchObject({ hasMemory: false });
    expect(stateOf(row)).toEqual({ id: 'dbx-1', phase: 'starting', isolation: 'container' });
  });
});
