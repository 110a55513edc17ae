import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LocalHost } from '../src/local/local-host.ts';
import { OwnerRange } from '../src/runtimes/oci/owner-range.ts';
import { grades, type Installation, makeInstallation } from './local-harness.ts';
import { boxSpec } from './local-spec.ts';

const wait = { timeoutMs: 20_000, lastLines: 10 };

describe.each(grades)('an installation with user ids of its own ($grade)', ({ change }) => {
  const owners = new OwnerRange(0x6000_0000, 2);
  let installation: Installation;
  let host: LocalHost;

  beforeAll(async () => {
    installation = await makeInstallation({ ...change, owners });
    host = await installation.open();
  });
  afterAll(async () => {
    await Promise.all((await host.list()).map(({ id }) => host.destroy(id)));
    await host.close();
    await installation.remove();
  });

  it('has no box with others, nor more boxes than ids', async () => {
    const specs = [boxSpec(), boxSpec()];
    for (const spec of specs) {
      expect(await host.create(spec)).toMatchObject({ phase: 'running' });
    }
    const maps = await Promise.all(specs.map(({ id }) => readFile(`/proc/${host.initPid(id)}/uid_map`, 'utf8')));
    const firsts = maps.map((map) => Number(map.trim().split(/\s+/)[1])).sort();
    expect(firsts).toEqual([owners.baseOf(0), owners.baseOf(1)]);
    await expect(host.create(boxSpec())).rejects.toMatchObject({ code: 'noSpace' });
    await host.destroy(specs[0]?.id ?? '');
    expect(await host.create(boxSpec())).toMatchObject({ phase: 'running' });
  });

  it('hands the files of a snapshot on to a box with other ids', async () => {
    await Promise.all((await host.list()).map(({ id }) => host.destroy(id)));
    const [source, other] = [boxSpec(), boxSpec({ image: { snapshotId: 'snp-1', memory: false } })];
    await host.create(source);
    const write = 'echo mine > mine; echo root | sudo tee /opt/root';
    await host.executeAndWait(source.id, { executionId: 'e', origin: 'exec', command: write }, wait);
    await host.snapshot(source.id, 'snp-1', { memory: false });
    await host.create(other);
    const look = 'stat -c "%U %n" mine /opt/root; cat mine /opt/root';
    const view = await host.executeAndWait(other.id, { executionId: 'e', origin: 'exec', command: look }, wait);
    expect(view.stdout.text).toBe('user mine\nroot /opt/root\nmine\nroot\n');
  });
});
