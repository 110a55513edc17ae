import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LocalHost } from '../src/local/local-host.ts';
import { grades, type Installation, killInit, makeInstallation, programs } from './local-harness.ts';
import { boxSpec } from './local-spec.ts';

const wait = { timeoutMs: 20_000, lastLines: 10 };
const exec = (executionId: string, command: string) => ({ executionId, origin: 'exec', command }) as const;

describe.each(grades)('what goes wrong with a box ($grade)', ({ change }) => {
  let installation: Installation;
  let host: LocalHost;

  beforeAll(async () => {
    installation = await makeInstallation(change);
    host = await installation.open();
  });
  afterEach(async () => {
    await Promise.all((await host.list()).map(({ id }) => host.destroy(id)));
    const leaks = async () => Object.entries((await host.describe()).leaks).filter(([, count]) => count !== 0);
    await expect.poll(leaks, { timeout: 10_000 }).toEqual([]);
  });
  afterAll(async () => {
    await host.close();
    await installation.remove();
  });

  it('is refused before anything is made when its image is not there', async () => {
    const image = { layers: [{ path: '/nonexistent/layer', ownerBase: 0 }], environment: {} };
    const spec = boxSpec({ image });
    await expect(host.create(spec)).rejects.toMatchObject({
      code: 'imageUnavailable',
      message: expect.stringMatching(/nonexistent/),
    });
    expect(await host.inspect(spec.id)).toBeUndefined();
  });

  it('stops with a cause when the image cannot run the guest', async () => {
    const layer = join(installation.configuration.stateDirectory, 'not-a-directory');
    await writeFile(layer, '');
    const spec = boxSpec({ image: { layers: [{ path: layer, ownerBase: 0 }], environment: {} } });
    const state = await host.create(spec);
    expect(state).toMatchObject({ phase: 'stopped', cause: 'runtime_failed' });
    expect(state.detail).not.toBe('');
    expect(await host.create(spec)).toEqual(state);
    await expect(host.execute(spec.id, exec('e', 'true'))).rejects.toMatchObject({ code: 'boxNotRunning' });
  });

  it('keeps its disk when it stops, and only that', { timeout: 90_000 }, async () => {
    const spec = boxSpec();
    await host.create(spec);
    killInit(host, spec.id);
    await expect.poll(() => host.inspect(spec.id), { timeout: 30_000 }).toMatchObject({ phase: 'stopped' });
    // The kernel takes the interface away in its own time.
    const left = async () => Object.entries((await host.describe()).leaks).filter(([, count]) => count !== 0);
    await expect.poll(left, { timeout: 30_000 }).toEqual([['subvolumes', 1]]);
  });

  it('takes every process of it along', async () => {
    const spec = boxSpec();
    await host.create(spec);
    await host.executeAndWait(spec.id, exec('e', 'setsid nohup sleep 600 >/dev/null 2>&1 & sleep 0.1'), wait);
    expect((await host.metrics(spec.id)).processes).toBeGreaterThanOrEqual(2);
    await host.destroy(spec.id);
    expect((await host.describe()).leaks).toMatchObject({ processes: 0, cgroups: 0 });
  });

  it('frees its slot for the next one', async () => {
    const first = boxSpec();
    await host.create(first);
    const map = (boxId: string) => readFile(`/proc/${host.initPid(boxId)}/uid_map`, 'utf8');
    const before = await map(first.id);
    const second = boxSpec();
    await host.create(second);
    expect(await map(second.id)).not.toBe(before);
    await host.destroy(first.id);
    const third = boxSpec();
    await host.create(third);
    expect(await map(third.id)).toBe(before);
  });
});

describe.each(grades)('boxes of a real host ($grade)', ({ change }) => {
  let installation: Installation;
  let host: LocalHost;

  beforeAll(async () => {
    installation = await makeInstallation(change);
    host = await installation.open();
  });
  afterAll(async () => {
    await Promise.all((await host.list()).map(({ id }) => host.destroy(id)));
    await host.close();
    await installation.remove();
  });

  it('all start when many are asked for at once, and all go', { timeout: 90_000 }, async () => {
    const specs = Array.from({ length: 25 }, () => boxSpec());
    const states = await Promise.all(specs.map((spec) => host.create(spec)));
    expect(states.map(({ phase, detail }) => detail ?? phase)).toEqual(specs.map(() => 'running'));
    expect(new Set(states.map(({ ipv4 }) => ipv4)).size).toBe(specs.length);
    const views = await Promise.all(specs.map(({ id }) => host.executeAndWait(id, exec('e', 'echo here'), wait)));
    expect(views.map(({ stdout }) => stdout.text)).toEqual(specs.map(() => 'here\n'));
    await Promise.all(specs.map(({ id }) => host.destroy(id)));
    expect((await host.describe()).leaks).toMatchObject({
      processes: 0,
      cgroups: 0,
      subvolumes: 0,
      bundles: 0,
      links: 0,
    });
  });

  it('see a stack of layers, the first on top, and the environment of the image below their own', async () => {
    const top = join(installation.configuration.stateDirectory, 'top');
    await mkdir(join(top, 'opt'), { recursive: true });
    await writeFile(join(top, 'opt/greeting'), 'from the top\n');
    await chmod(top, 0o755);
    const base = { path: installation.configuration.imageRootfs ?? '', ownerBase: 0 };
    const environment = { FROM_IMAGE: 'image', BOTH: 'image' };
    const spec = boxSpec({
      image: { layers: [{ path: top, ownerBase: 0 }, base], environment },
      environment: { BOTH: 'box' },
    });
    expect(await host.create(spec)).toMatchObject({ phase: 'running' });
    const command =
      'cat /opt/greeting; stat -c %u /opt/greeting; echo $FROM_IMAGE $BOTH; echo mine | sudo tee /opt/greeting';
    const view = await host.executeAndWait(spec.id, exec('e', command), wait);
    expect(view.stdout.text).toBe('from the top\n0\nimage box\nmine\n');
    const other = boxSpec({ image: spec.image });
    await host.create(other);
    const again = await host.executeAndWait(other.id, exec('e', 'cat /opt/greeting'), wait);
    expect(again.stdout.text).toBe('from the top\n');
  });

  it('leave no secret of their environment on the disk of the host', async () => {
    const secret = `secret-${Math.random().toString(36).slice(2)}`;
    const spec = boxSpec({ environment: { TOKEN: secret } });
    await host.create(spec);
    const view = await host.executeAndWait(spec.id, exec('e', 'test -n "$TOKEN" && echo known'), wait);
    expect(view.stdout.text).toBe('known\n');
    const state = installation.configuration.stateDirectory;
    for (const directory of ['host', `host/spool`, `run/bundles/${spec.id}`, `run/boxes/${spec.id}`]) {
      for (const entry of await readdir(join(state, directory), { withFileTypes: true }).catch(() => [])) {
        if (entry.isFile()) {
          const text = await readFile(join(state, directory, entry.name), 'latin1');
          expect(text.includes(secret), `${directory}/${entry.name}`).toBe(false);
        }
      }
    }
  });

  it('cannot be walked into by other accounts of the machine', async () => {
    const spec = boxSpec();
    await host.create(spec);
    const state = installation.configuration.stateDirectory;
    const mode = async (path: string) => (await stat(join(state, path))).mode & 0o777;
    expect(await mode('host')).toBe(0o700);
    expect(await mode(`run/bundles/${spec.id}/config.json`)).toBe(0o600);
    expect(await mode(`run/boxes/${spec.id}/host.sock`)).toBe(0o600);
    expect((await mode(`run/boxes/${spec.id}`)) & 0o022).toBe(0);
  });
});

describe.skipIf(typeof programs === 'string')('a runtime that does not work', () => {
  it.each([
    ['/nonexistent/runtime', /does not run/],
    ['/bin/true', /self-test failed/],
  ])('%s is named with its reason, and boxes are refused', async (runtime, reason) => {
    const installation = await makeInstallation({ runtime });
    const host = await installation.open();
    try {
      const [container] = (await host.describe()).isolations;
      expect(container).toMatchObject({ isolation: 'container', usable: false, reason: expect.stringMatching(reason) });
      await expect(host.create(boxSpec())).rejects.toMatchObject({ code: 'isolationUnavailable' });
      expect((await host.describe()).leaks).toMatchObject({ subvolumes: 0, bundles: 0, links: 0, cgroups: 0 });
    } finally {
      await host.close();
      await installation.remove();
    }
  });
});
