import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { makeSmallRootfs } from './builds/small-rootfs.ts';
import { buildContract } from './contract/builds.ts';
import { Bench } from './contract/harness.ts';
import { grades, localHarness, programs } from './local-harness.ts';

if (typeof programs === 'string') {
  describe.skip(`builds (skipped: ${programs})`, () => {
    it('makes images', () => undefined);
  });
}

describe.each(grades.slice(0, 1))('Host contract: LocalHost, builds ($grade)', ({ change }) => {
  const bench = new Bench(async () => {
    const imageRootfs = await makeSmallRootfs(join(await mkdtemp(join(tmpdir(), 'bi-')), 'rootfs'));
    return localHarness({ ...change, imageRootfs });
  });
  buildContract(bench);
});
