import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BoxSpec, SnapshotState } from '../src/contract/index.ts';
import type { LocalHost } from '../src/local/local-host.ts';
import { endEverything } from './end-everything.ts';
import { grades, type Installation, makeInstallation } from './local-harness.ts';
import { boxSpec } from './local-spec.ts';

const DISK = { memory: false };
const WAIT = { timeoutMs: 60_000, lastLines: 100 };

describe.each(grades)('disks of boxes ($grade)', ({ grade, change: settings }) => {
  let installation: Installation;
  let host: LocalHost;
  let count = 0;

  beforeAll(async () => {
    installation = await makeInstallation(settings);
    host = await installation.open();
  });
  afterEach(async () => {
    await endEverything(host);
    expect(readdirSync(join(installation.configuration.stateDirectory, 'volume/snapshots'))).toEqual([]);
  });
  afterAll(async () => {
    await host.close();
    await installation.remove();
  });

  async function box(change: Partial<BoxSpec> = {}): Promise<BoxSpec> {
    const spec = boxSpec(change);
    expect(await host.create(spec)).toMatchObject({ phase: 'running' });
    return spec;
  }

  /** Output of a command that root runs; it must succeed. */
  async function run({ id }: BoxSpec, command: string, user = 'root'): Promise<string> {
    const executionId = `e${++count}`;
    const view = await host.executeAndWait(id, { executionId, origin: 'exec', command, user }, WAIT);
    expect(view, `${command}: ${view.stderr.text}`).toMatchObject({ end: { kind: 'exited', code: 0 } });
    return view.stdout.text;
  }

  const snapshot = (spec: BoxSpec): Promise<SnapshotState> => host.snapshot(spec.id, `snp-${++count}`, DISK);
  const from = ({ id }: SnapshotState) => ({ image: { snapshotId: id, memory: false } });

  /** A box over a snapshot of this one, which is gone then. */
  async function next(spec: BoxSpec, change: Partial<BoxSpec> = {}): Promise<BoxSpec> {
    const state = await snapshot(spec);
    // Made while this one is there, the new box gets another range of owners than the layer has.
    const child = await box({ ...from(state), ...change });
    await host.deleteSnapshot(state.id);
    await host.destroy(spec.id);
    return child;
  }

  it('keep what was removed removed, and what was replaced replaced', async () => {
    const first = await box();
    await run(first, 'mkdir -p /srv/a/b /srv/kept /srv/other; touch /srv/a/b/1 /srv/a/2 /srv/kept/3 /srv/other/4');
    const second = await next(first);
    await run(
      second,
      'rm /srv/a/2; rm -r /srv/a/b; rm -r /usr/share/doc; mkdir /usr/share/doc; touch /usr/share/doc/only',
    );
    await run(second, 'rm -r /srv/other; touch /srv/other; rm /etc/debian_version; ln -s gone /etc/debian_version');
    const third = await next(second);
    const seen = 'find /srv /usr/share/doc | sort; readlink /etc/debian_version; stat -c %F /srv/other';
    const expected = [
      '/srv',
      '/srv/a',
      '/srv/kept',
      '/srv/kept/3',
      '/srv/other',
      '/usr/share/doc',
      '/usr/share/doc/only',
    ];
    expect(await run(third, seen)).toBe(`${expected.join('\n')}\ngone\nregular empty file\n`);
    await run(third, 'mkdir /srv/a/b; touch /srv/a/b/new');
    const fourth = await next(third);
    expect(await run(fourth, 'find /srv/a | sort')).toBe('/srv/a\n/srv/a/b\n/srv/a/b/new\n');
  });

  it('keep directories that were moved, from the image and from below', async () => {
    const first = await box();
    await run(first, 'mkdir -p /srv/tree/deep; echo one > /srv/tree/deep/file');
    const second = await next(first);
    await run(second, 'mv /srv/tree /srv/moved; mv /usr/share/perl5 /srv/perl5; echo two >> /srv/moved/deep/file');
    const third = await next(second);
    const seen =
      'cat /srv/moved/deep/file; ls /srv; test ! -e /srv/tree; test ! -e /usr/share/perl5; ls /srv/perl5 | wc -l';
    expect(await run(third, seen)).toMatch(/^one\ntwo\nmoved\nperl5\n[1-9]\d*\n$/);
  });

  it('keep links, modes, owners and times', async () => {
    const first = await box();
    await run(first, 'cd /srv; echo x > file; ln file hard; ln -s file soft; chmod 4755 file; chmod 1777 .');
    await run(first, 'cd /srv; echo y > theirs; chown 4242:4243 theirs; chmod 640 theirs; touch -d @1000000000 theirs');
    await run(first, 'echo mine > ~/mine; chmod 2750 ~', 'user');
    const second = await next(first);
    const state =
      'stat -c "%n %F %h %a %u:%g" /srv /srv/* /home/user /home/user/mine; stat -c %Y /srv/theirs; cat /srv/soft';
    const before = await run(second, state);
    expect(before).toContain('/srv/file regular file 2 4755 0:0\n');
    expect(before).toContain('/srv/hard regular file 2 4755 0:0\n');
    expect(before).toContain('/srv/soft symbolic link 1 777 0:0\n');
    expect(before).toContain('/srv/theirs regular file 1 640 4242:4243\n1000000000\n'.split('\n')[0]);
    expect(before).toContain('/home/user directory 1 2750 1000:1000\n');
    expect(before).toMatch(/\n1000000000\nx\n$/);
    await run(second, 'touch /srv/new; echo more >> /srv/theirs; touch -d @1000000000 /srv/theirs; rm /srv/new');
    const third = await next(second);
    expect(await run(third, state)).toBe(before);
    expect(await run(third, 'cat /home/user/mine; echo ok > ~/mine; cat ~/mine', 'user')).toBe('mine\nok\n');
  });

  const itInContainer = grade === 'container' ? it : () => undefined;
  itInContainer('keep pipes and extended attributes, and let nobody forge those of the overlay', async () => {
    const set = `python3 -c 'import os; os.setxattr("/srv/file", "user.note", b"kept")'`;
    const get = `python3 -c 'import os; print(os.getxattr("/srv/file", "user.note").decode(), os.listxattr("/srv/file"))'`;
    const forge = `python3 -c '
import os
for name in ("trusted.overlay.opaque", "trusted.overlay.redirect", "trusted.x"):
    try:
        os.setxattr("/srv/dir", name, b"y")
        print("set", name)
    except OSError as error:
        pass
try:
    os.mknod("/srv/dir/ls", 0o020000, os.makedev(0, 0))
    print("made a whiteout")
except OSError:
    pass
print("done")'`;
    const first = await box();
    await run(first, `touch /srv/file; mkdir /srv/dir; mkfifo /srv/pipe; ${set}`);
    expect(await run(first, forge)).toBe('done\n');
    const second = await next(await next(first));
    expect(await run(second, `${get}; stat -c %F /srv/pipe`)).toBe("kept ['user.note']\nfifo\n");
  });

  it('show every file as one of its own, whichever layer it lies in', async () => {
    let spec = await box();
    for (const generation of [1, 2, 3]) {
      await run(spec, `for n in $(seq 1 40); do echo ${generation}-$n > /srv/${generation}-$n; done`);
      spec = await next(spec);
    }
    await run(spec, 'for n in $(seq 1 40); do echo top-$n > /srv/top-$n; done');
    expect(
      await run(spec, 'cd /srv; for f in *; do test "$(cat $f)" = $f || echo "$f: $(cat $f)"; done; ls | wc -l'),
    ).toBe('160\n');
    expect(await run(spec, 'stat -c %i /srv/* | sort -u | wc -l')).toBe('160\n');
    await run(spec, 'cp /srv/1-7 /srv/2-7; cp /srv/top-7 /srv/3-7');
    expect(await run(spec, 'cat /srv/2-7 /srv/3-7')).toBe('1-7\ntop-7\n');
  });

  it(`stand on ${grade === 'container' ? 135 : 8} generations`, { timeout: 600_000 }, async () => {
    let spec = await box();
    // More than one overlay takes.
    const generations = grade === 'container' ? 135 : 8;
    for (let generation = 1; generation <= generations; generation++) {
      await run(
        spec,
        `echo ${generation} > /srv/${generation}; echo ${generation} > /srv/newest; rm -f /srv/${generation - 2}`,
      );
      spec = await next(spec);
    }
    const expected = [generations - 1, generations].map((value) => `/srv/${value}`);
    expect(await run(spec, 'cat /srv/newest; find /srv -name "[0-9]*" | sort -V')).toBe(
      `${generations}\n${expected.join('\n')}\n`,
    );
  });

  it('are kept as often as one likes without a program in the box that notices', { timeout: 120_000 }, async () => {
    const spec = await box();
    // Each of them starts others, all the time.
    const work =
      'for i in 1 2 3 4; do mkdir -p ~/d/$i; date > ~/d/$i/f; [ -s ~/d/$i/f ] || exit 1; timeout 5 bash -c : || exit 2; done';
    let isOver = false;
    const keeping = (async () => {
      for (let taken = 0; taken < 5 || !isOver; taken++) {
        await host.deleteSnapshot((await snapshot(spec)).id);
        await delay(50);
      }
    })();
    try {
      for (let times = 0; times < 3; times++) {
        await run(spec, work);
      }
    } finally {
      isOver = true;
      await keeping;
    }
  });

  it('come back when they are full', async () => {
    const spec = await box({ size: { ...boxSpec().size, diskBytes: 32 * 2 ** 20 } });
    const fill =
      'dd if=/dev/zero of=~/full bs=64k 2>/dev/null; sync ~/full; for n in $(seq 500); do echo $n > ~/$n; done; true';
    await host.executeAndWait(spec.id, { executionId: 'fill', origin: 'exec', command: fill }, WAIT);
    for (const _round of [1, 2]) {
      expect(await host.suspend(spec.id, DISK)).toMatchObject({ phase: 'suspended' });
      expect(await host.resume(spec, DISK)).toMatchObject({ phase: 'running' });
    }
    const state = await snapshot(spec);
    expect(state.diskBytes).toBeGreaterThan(16 * 2 ** 20);
    await run(spec, 'rm ~/full; echo room > ~/room; cat ~/room', 'user');
    const child = await box({ ...from(state), size: { ...spec.size, diskBytes: 64 * 2 ** 20 } });
    await run(child, 'dd if=/dev/zero of=~/more bs=1M count=16 conv=fsync; test -s ~/full', 'user');
  });

  it('have their own limit for themselves, beside what snapshots hold', async () => {
    const spec = await box({ size: { ...boxSpec().size, diskBytes: 64 * 2 ** 20 } });
    const write = 'dd if=/dev/urandom of=~/data bs=1M count=40 conv=fsync 2>&1';
    await run(spec, write, 'user');
    await snapshot(spec);
    await run(spec, `${write}; rm ~/data; ${write}`, 'user');
    const tooMuch = 'dd if=/dev/urandom of=~/more bs=1M count=40 conv=fsync';
    const view = await host.executeAndWait(spec.id, { executionId: 'more', origin: 'exec', command: tooMuch }, WAIT);
    expect(view.end).not.toEqual({ kind: 'exited', code: 0 });
  });

  it('are kept when the host is ended at any moment of a suspend or a resume', async () => {
    const spec = await box();
    await run(spec, 'echo kept > /srv/file; sync');
    const database = async (phase: string) => {
      await host.close();
      installation.rewriteRow(spec.id, { phase });
      host = await installation.open();
    };
    await database('suspending');
    expect(await host.inspect(spec.id)).toMatchObject({ phase: 'suspended' });
    await expect
      .poll(async () => (await host.describe()).leaks, { timeout: 10_000 })
      .toMatchObject({ processes: 0, cgroups: 0, bundles: 0, links: 0, interfaces: 0 });
    expect(await host.resume(spec, DISK)).toMatchObject({ phase: 'running' });
    await database('resuming');
    expect(await host.inspect(spec.id)).toMatchObject({ phase: 'suspended' });
    await host.resume(spec, DISK);
    expect(await run(spec, 'cat /srv/file')).toBe('kept\n');
  });

  it('of suspended boxes cost no process, and outlive the host', async () => {
    const spec = await box();
    await run(spec, 'echo kept > /srv/file');
    const state = await snapshot(spec);
    await host.suspend(spec.id, DISK);
    expect((await host.describe()).leaks).toMatchObject({ processes: 0, cgroups: 0, bundles: 0, links: 0, sockets: 0 });
    await host.close();
    host = await installation.open();
    expect(await host.inspect(spec.id)).toMatchObject({ phase: 'suspended', hasMemory: false });
    expect(await host.snapshots()).toEqual([state]);
    expect(await host.resume(spec, DISK)).toMatchObject({ phase: 'running' });
    expect(await run(spec, 'cat /srv/file')).toBe('kept\n');
    expect(await run(await box(from(state)), 'cat /srv/file')).toBe('kept\n');
  });

  it('leave nothing half-made of a snapshot that was being taken', async () => {
    const spec = await box();
    const state = await snapshot(spec);
    await host.close();
    installation.rewriteSnapshot(state.id, { phase: 'taking' });
    host = await installation.open();
    expect(await host.snapshots()).toEqual([]);
    expect(await host.snapshot(spec.id, state.id, DISK)).toMatchObject({ id: state.id });
    await run(spec, 'echo runs on');
  });

  it('say what is missing, and go all the same', async () => {
    const spec = await box();
    await run(spec, 'echo x > /srv/file');
    const state = await snapshot(spec);
    const child = await box(from(state));
    await host.suspend(child.id, DISK);
    const layer = join(installation.configuration.stateDirectory, 'volume/snapshots', state.id);
    await rename(layer, `${layer}-away`);
    await expect(host.resume(child, DISK)).rejects.toMatchObject({ code: 'imageUnavailable' });
    expect(await host.inspect(child.id)).toMatchObject({ phase: 'suspended' });
    await expect(host.create(boxSpec(from(state)))).rejects.toMatchObject({ code: 'imageUnavailable' });
    await rename(`${layer}-away`, layer);
    expect(await host.resume(child, DISK)).toMatchObject({ phase: 'running' });
    await host.suspend(child.id, DISK);
    await rename(layer, `${layer}-away`);
    await host.destroy(child.id);
    await host.deleteSnapshot(state.id);
    expect(existsSync(layer)).toBe(false);
    await rename(`${layer}-away`, layer);
    await host.close();
    host = await installation.open();
    expect(existsSync(layer)).toBe(false);
  });

  it('go back to sleep when they do not start', async () => {
    const spec = await box();
    await run(spec, 'echo kept > /srv/file; mv /home/user /srv/home; ln -s /proc/1/root /home/user');
    await host.suspend(spec.id, DISK);
    await host.close();
    const broken = { ...installation.configuration, guestBinary: '/bin/false' };
    host = await installation.open(broken);
    const failed = await host.resume(spec, DISK).catch((error: unknown) => error);
    expect(failed).toMatchObject({ phase: 'suspended', cause: expect.any(String), detail: expect.any(String) });
    await host.close();
    host = await installation.open();
    expect(await host.resume(spec, DISK)).toMatchObject({ phase: 'running' });
    expect(await run(spec, 'cat /srv/file')).toBe('kept\n');
  });
});

describe.each(grades)('a volume that is full ($grade)', ({ change: settings }) => {
  it('keeps what is there and lets everything go; a snapshot that has no room is refused by name', async () => {
    const installation = await makeInstallation({ ...settings, volumeBytes: 256 * 2 ** 20 });
    const host = await installation.open();
    const snapshots = join(installation.configuration.stateDirectory, 'volume/snapshots');
    const ballast = join(installation.configuration.stateDirectory, 'volume/ballast');
    try {
      const spec = boxSpec({ size: { ...boxSpec().size, diskBytes: 2 ** 30 } });
      await host.create(spec);
      const command =
        'echo kept > ~/kept; sync; cat /dev/zero > ~/full; n=0; while echo $n > ~/small-$n && [ $n -lt 3000 ]; do n=$((n+1)); done; sync';
      await host.executeAndWait(spec.id, { executionId: 'fill', origin: 'exec', command }, WAIT);
      const taken: string[] = [];
      let refused: unknown;
      const takeUntilRefused = async () => {
        refused = undefined;
        for (let index = 0; refused === undefined && index < 300; index++) {
          await host.snapshot(spec.id, `snp-${taken.length}`, DISK).then(
            ({ id }) => taken.push(id),
            (error: unknown) => {
              refused = error;
            },
          );
        }
      };
      await takeUntilRefused();
      if (refused === undefined) {
        // The volume keeps room apart for its own notes, in which all have found their place: until that is gone too.
        fillNotes(ballast);
        await takeUntilRefused();
      }
      expect(refused).toMatchObject({ code: 'noSpace' });
      expect(readdirSync(snapshots).toSorted()).toEqual(taken.toSorted());
      expect((await host.snapshots()).map(({ id }) => id).toSorted()).toEqual(taken.toSorted());
      rmSync(ballast, { recursive: true, force: true });
      await Promise.all(taken.map((id) => host.deleteSnapshot(id)));
      const free = { executionId: 'free', origin: 'exec', command: 'rm ~/full ~/small-*; cat ~/kept' } as const;
      expect((await host.executeAndWait(spec.id, free, WAIT)).stdout.text).toBe('kept\n');
      // What was refused can be had when there is room.
      const later = await host.snapshot(spec.id, 'snp-later', DISK);
      await host.deleteSnapshot(later.id);
      await host.destroy(spec.id);
      expect(readdirSync(snapshots)).toEqual([]);
    } finally {
      await host.close();
      await installation.remove();
    }
  }, 300_000);
});

/** Makes links with long targets, which lie among the notes of the file system, until it takes no more. */
function fillNotes(directory: string): void {
  mkdirSync(directory);
  try {
    for (let number = 0; number < 100_000; number++) {
      symlinkSync('x'.repeat(2_000), join(directory, String(number)));
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) {
      throw error;
    }
  }
}
