import { describe, expect, it } from 'vitest';
import { output, withBox } from './boxes.ts';
import { rawClient } from './clients.ts';
import { boxLeftovers } from './leaks.ts';
import { Platform } from './platform.ts';
import { until } from './process.ts';

describe('a whole platform', () => {
  it('starts beside another, works, and leaves nothing', { timeout: 180_000 }, async () => {
    const [one, other] = [await Platform.start(), await Platform.start()];
    try {
      const ids = await Promise.all(
        [one, other].map(({ address }) => {
          const client = rawClient('http2', address);
          return withBox(client, {}, async ({ id }) => {
            expect(await output(client, id, 'echo works')).toBe('works\n');
            return id;
          });
        }),
      );
      await until('the boxes are gone', () => boxLeftovers(ids).length === 0, 30_000);
      const stranger = rawClient('http2', { ...one.address, apiKey: other.address.apiKey });
      await expect(stranger.accounts.me()).rejects.toMatchObject({ status: 401 });
    } finally {
      expect([await one.stop(), await other.stop()]).toEqual([[], []]);
    }
  });
});
