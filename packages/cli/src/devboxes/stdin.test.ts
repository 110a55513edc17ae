import fc from 'fast-check';
import { expect, it } from 'vitest';
import { pieces } from './stdin.ts';

it('cuts text into bounded pieces that join to the same, with no surrogate pair split', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.integer({ min: 2, max: 7 }), (text, length) => {
      const parts = pieces(text, length);
      expect(parts.join('')).toBe(text);
      for (const part of parts) {
        expect(part.length).toBeLessThanOrEqual(length);
        expect(part.isWellFormed()).toBe(true);
      }
    }),
  );
});
