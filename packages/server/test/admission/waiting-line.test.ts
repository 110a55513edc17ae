import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Verdict, type Waiter, WaitingLine } from '../../src/admission/waiting-line.ts';

const waiter = (accountId: string, id: string, memoryBytes = 1): Waiter => ({
  id,
  accountId,
  memoryBytes,
  diskBytes: 1,
  starts: true,
  evicts: true,
  sinceMs: 0,
});

const lineOf = (...waiters: Waiter[]): WaitingLine => {
  const line = new WaitingLine();
  for (const each of waiters) {
    line.add(each);
  }
  return line;
};

const serveAll = (line: WaitingLine, judge: (waiter: Waiter) => Verdict = () => 'admit'): string[] => {
  const served: string[] = [];
  for (let next = line.next(judge); next !== undefined; next = line.next(judge)) {
    line.serve(next);
    served.push(next.id);
  }
  return served;
};

describe('WaitingLine', () => {
  it('lets accounts take turns, in the order of arrival within each', () => {
    const line = lineOf(waiter('a', 'a1'), waiter('a', 'a2'), waiter('a', 'a3'), waiter('b', 'b1'), waiter('c', 'c1'));
    expect(line.length).toBe(5);
    expect(serveAll(line)).toEqual(['a1', 'b1', 'c1', 'a2', 'a3']);
    expect(line.length).toBe(0);
  });

  it('keeps the turns when the one served was removed by somebody else meanwhile', () => {
    const line = lineOf(waiter('a', 'a1'), waiter('a', 'a2'), waiter('b', 'b1'));
    const first = line.next(() => 'admit');
    line.remove('a', 'a1');
    line.serve(first ?? waiter('a', 'a1'));
    expect(serveAll(line)).toEqual(['b1', 'a2']);
  });

  it('lets others pass one that does not fit, but not those behind it in its own account', () => {
    const line = lineOf(waiter('a', 'large', 9), waiter('a', 'small'), waiter('b', 'b1'), waiter('b', 'b2'));
    expect(serveAll(line, (each) => (each.memoryBytes > 5 ? 'pass' : 'admit'))).toEqual(['b1', 'b2']);
    expect(line.length).toBe(2);
  });

  it('lets nobody pass one that blocks, once it is its turn', () => {
    const line = lineOf(waiter('a', 'a1'), waiter('b', 'large', 9), waiter('c', 'c1'));
    expect(serveAll(line, (each) => (each.memoryBytes > 5 ? 'block' : 'admit'))).toEqual(['a1']);
  });

  it('stands nobody in it twice', () => {
    const line = lineOf(waiter('a', 'a1'), waiter('a', 'a1'));
    expect(line.length).toBe(1);
    line.remove('a', 'a1');
    line.remove('a', 'a1');
    expect(line.length).toBe(0);
  });

  it('starves no account, whatever the others bring', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 60 }), (accounts) => {
        const line = lineOf(...accounts.map((account, index) => waiter(account, `${account}${index}`)));
        const served = serveAll(line);
        expect(served).toHaveLength(accounts.length);
        const kinds = new Set(accounts);
        // The first of each account is among the first turns, one for each account.
        expect(new Set(served.slice(0, kinds.size).map((id) => id[0]))).toEqual(kinds);
      }),
    );
  });
});
