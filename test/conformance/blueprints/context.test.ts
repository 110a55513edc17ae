import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { output } from '../../platform/boxes.ts';
import { rawClient, sdkClient, transports } from '../../platform/clients.ts';

describe.each(transports)('build contexts over %s (API §12.2)', (transport) => {
  const client = rawClient(transport);
  const sdk = sdkClient(transport);

  it('are directories that the official client packs, without what is ignored', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'berth-context-'));
    try {
      mkdirSync(join(directory, 'src'));
      writeFileSync(join(directory, 'src/app.txt'), `of ${transport}\n`);
      writeFileSync(join(directory, 'ignored.txt'), 'no');
      writeFileSync(join(directory, '.dockerignore'), 'ignored.txt\n');
      const blueprint = await sdk.blueprint.create({
        name: `context-${transport}`,
        dockerfile: 'FROM runloop:runloop/starter-x86_64\nCOPY . /context/\nRUN wc -l < /context/src/app.txt > /lines',
        build_context_dir: directory,
      });
      const devbox = await blueprint.createDevbox();
      try {
        expect(await output(client, devbox.id, 'cat /context/src/app.txt /lines')).toBe(`of ${transport}\n1\n`);
        expect(await output(client, devbox.id, 'ls -A /context')).toBe('src\n');
      } finally {
        await devbox.shutdown();
        await blueprint.delete();
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
