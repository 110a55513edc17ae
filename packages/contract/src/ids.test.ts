import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type IdKind, idPrefixes, isWellFormedId, newId, randomToken } from './ids.ts';

const kinds = Object.keys(idPrefixes) as IdKind[];

afterEach(() => vi.useRealTimers());

describe('ids', () => {
  it.each(kinds)('of a %s are its prefix and 21 characters of base 62', (kind) => {
    const id = newId(kind);
    expect(id).toMatch(new RegExp(`^${idPrefixes[kind]}[0-9A-Za-z]{21}$`));
    expect(isWellFormedId(kind, id)).toBe(true);
  });

  it('sort by age as bytes, also many within one millisecond', () => {
    const ids = Array.from({ length: 20_000 }, () => newId('devbox'));
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('go on sorting when the clock is set back', () => {
    vi.useFakeTimers({ now: Date.now() + 60_000 });
    const before = newId('devbox');
    vi.setSystemTime(Date.now() - 3_600_000);
    expect(newId('devbox') > before).toBe(true);
  });

  it('cannot be guessed from a neighbour', () => {
    const tails = Array.from({ length: 1_000 }, () => newId('devbox').slice(-11));
    expect(new Set(tails).size).toBe(1_000);
  });

  it.each([
    'dbx_nonexistent12345',
    'dbx_',
    '',
    'sec_31CYd5LLFbBxst8mqnUjO',
    'dbx_31CYd5LLFbBxst8mqnUjO0',
    'dbx_31CYd5LLFbBxst8mqnUj-',
    ' dbx_31CYd5LLFbBxst8mqnUjO',
    'dbx_31CYd5LLFbBxst8mqnUjO\n',
    'DBX_31CYd5LLFbBxst8mqnUjO',
  ])('%j is no well-formed devbox id', (text) => {
    expect(isWellFormedId('devbox', text)).toBe(false);
  });

  it('takes one of the real service as well-formed', () => {
    expect(isWellFormedId('devbox', 'dbx_31CYd5LLFbBxst8mqnUjO')).toBe(true);
  });

  it('takes no text of another form', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        expect(isWellFormedId('devbox', text)).toBe(/^dbx_[0-9A-Za-z]{21}$/.test(text) && !text.endsWith('\n'));
      }),
    );
  });
});

describe('random tokens', () => {
  it('have the length asked for and use every character evenly', () => {
    expect(randomToken(40)).toMatch(/^[0-9A-Za-z]{40}$/);
    const counts = new Map<string, number>();
    for (const character of randomToken(62_000)) {
      counts.set(character, (counts.get(character) ?? 0) + 1);
    }
    expect(counts.size).toBe(62);
    // 1,000 each; ten standard deviations to either side.
    expect(Math.min(...counts.values())).toBeGreaterThan(680);
    expect(Math.max(...counts.values())).toBeLessThan(1_320);
  });
});
