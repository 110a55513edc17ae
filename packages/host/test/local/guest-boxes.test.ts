import { describe, expect, it } from 'vitest';
import type { GuestBox } from '../../src/link/guest-box.ts';
import { GuestBoxes } from '../../src/local/guest-boxes.ts';

/** Guest boxes that only note whether they are open. */
function opener() {
  const opened: string[] = [];
  const closed: string[] = [];
  const boxes = new GuestBoxes((boxId) => {
    opened.push(boxId);
    return { boxId, close: async () => void closed.push(boxId) } as unknown as GuestBox;
  });
  return { boxes, opened, closed };
}

describe('guest boxes', () => {
  it('are opened once, whoever asks', () => {
    const { boxes, opened } = opener();
    const live = boxes.live('a');
    expect(boxes.live('a')).toBe(live);
    expect(boxes.get('a')).toBe(live);
    boxes.retire('a');
    expect(boxes.get('a')).toBe(live);
    expect(boxes.live('a')).toBe(live);
    expect(opened).toEqual(['a']);
  });

  it('of ended boxes are closed when there are many, those least asked for first', () => {
    const { boxes, closed } = opener();
    boxes.live('present');
    boxes.get('first');
    boxes.get('second');
    for (let count = 0; count < 254; count++) {
      boxes.get(`ended-${count}`);
    }
    boxes.get('first');
    expect(closed).toEqual([]);
    boxes.get('one-more');
    expect(closed).toEqual(['second']);
    for (let count = 0; count < 1000; count++) {
      boxes.get(`later-${count}`);
    }
    expect(closed).toContain('first');
    expect(closed).not.toContain('present');
  });

  it('are closed with their host, and when they are forgotten', async () => {
    const { boxes, opened, closed } = opener();
    boxes.live('a');
    boxes.get('b');
    await boxes.close('b');
    expect(closed).toEqual(['b']);
    boxes.get('b');
    await boxes.closeAll();
    expect(closed.sort()).toEqual(['a', 'b', 'b']);
    await boxes.close('never-opened');
    expect(opened).toEqual(['a', 'b', 'b']);
  });
});
