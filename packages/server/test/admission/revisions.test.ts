import { describe, expect, it } from 'vitest';
import { Revisions } from '../../src/admission/revisions.ts';

describe('Revisions', () => {
  it('takes what is as new or newer, and nothing older', () => {
    const revisions = new Revisions();
    const heard = (revision: number) => revisions.isNew({ id: 'a', revision });
    expect([heard(0), heard(2), heard(1), heard(2), heard(3)]).toEqual([true, true, false, true, true]);
    expect(revisions.isNew({ id: 'b', revision: 0 })).toBe(true);
  });

  it('forgets those it has not heard of for the longest time', () => {
    const revisions = new Revisions(2);
    for (const id of ['a', 'b', 'a', 'c']) {
      revisions.isNew({ id, revision: 5 });
    }
    expect(revisions.isNew({ id: 'a', revision: 1 })).toBe(false);
    expect(revisions.isNew({ id: 'b', revision: 1 })).toBe(true);
  });
});
