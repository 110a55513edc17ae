import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BoxRow, BoxStore, stateOf } from '../../src/local/box-store.ts';
import { openHostDatabase } from '../../src/spool/database.ts';

const row: BoxRow = {
  id: 'dbx-1',
  phase: 'starting',
  isolation: 'container',
  slot: 0,
  size: { cpus: 0.5, memoryBytes: 1, diskBytes: 2, processes: 3 },
  pid: undefined,
  startTimeTicks: undefined,
  netSlot: undefined,
  ipv4: undefined,
  cause: undefined,
  detail: undefined,
  startedMs: undefined,
  stoppedMs: undefined,
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
      return act(new BoxStore(database));
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
      expect(store.freeSlot()).toBe(1);
      store.put({ ...row, id: 'dbx-2', slot: 1 });
      expect(() => store.put({ ...row, id: 'dbx-3', slot: 1 })).toThrow(/UNIQUE/);
      store.update('dbx-1', { phase: 'destroyed' });
      expect(store.freeSlot()).toBe(0);
    });
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
    expect(stateOf(row)).toEqual({ id: 'dbx-1', phase: 'starting', isolation: 'container' });
  });
});
