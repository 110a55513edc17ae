import { createHash, randomBytes } from 'node:crypto';
import { toFile } from '@runloop/api-client';
import { describe, expect, it } from 'vitest';
import { output, useBox } from '../../platform/boxes.ts';
import { transports } from '../../platform/clients.ts';

const sizeBytes = 100 * 1024 * 1024;

describe.each(transports)('100 MiB over %s (API §5)', (transport) => {
  const box = useBox(transport);

  it('arrive and come back with the same hash', { timeout: 180_000 }, async () => {
    const chunk = randomBytes(1024 * 1024);
    const bytes = Buffer.concat(Array.from({ length: sizeBytes / chunk.length }, () => chunk));
    const sum = createHash('sha256').update(bytes).digest('hex');
    await box.client.devboxes.uploadFile(box.id, { path: '/tmp/large', file: await toFile(bytes, 'large') });
    expect(await output(box.client, box.id, 'sha256sum < /tmp/large | cut -d" " -f1')).toBe(`${sum}\n`);
    const answer = await box.client.devboxes.downloadFile(box.id, { path: '/tmp/large' });
    const back = createHash('sha256');
    let received = 0;
    for await (const part of answer.body as unknown as AsyncIterable<Buffer>) {
      back.update(part);
      received += part.length;
    }
    expect([received, back.digest('hex')]).toEqual([sizeBytes, sum]);
  });
});
