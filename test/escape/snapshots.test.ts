import type Runloop from '@runloop/api-client';
import { describe, expect, it } from 'vitest';
import { output, run, useBox, withBox } from '../platform/boxes.ts';
import { rawClient, sandboxed } from '../platform/clients.ts';

/** A box from a snapshot of `source` that is taken now; both are gone afterwards. */
const withCopy = async <T>(client: Runloop, source: string, use: (id: string) => Promise<T>): Promise<T> => {
  const snapshot = await client.devboxes.snapshotDisk(source);
  try {
    return await withBox(client, { snapshot_id: snapshot.id }, ({ id }) => use(id));
  } finally {
    await client.devboxes.diskSnapshots.delete(snapshot.id);
  }
};

describe('snapshots as a way out (CVE-2018-15664, CVE-2021-25741: trees that change while the host walks them)', () => {
  const box = useBox();
  const client = rawClient();

  it('links that are swapped while a snapshot is taken bring nothing of the host into the copy', {
    timeout: 120_000,
  }, async () => {
    await output(box.client, box.id, 'mkdir -p real && echo mine > real/shadow && echo mine > real/hostname');
    const swapper =
      'while :; do ln -sfn real swap; ln -sfn /etc swap; rm -f file; ln -s /proc/1/root/etc/shadow file; rm -f file; echo mine > file; done';
    const { execution_id } = await box.client.devboxes.executeAsync(box.id, { command: swapper });
    for (let round = 0; round < 3; round += 1) {
      await withCopy(client, box.id, async (id) => {
        expect(await output(client, id, 'cat real/shadow')).toBe('mine\n');
        const found = (await output(client, id, 'readlink swap file || true')).trim().split('\n');
        expect(found.filter((target) => !['', 'real', '/etc', '/proc/1/root/etc/shadow'].includes(target))).toEqual([]);
        // What the link leads to is the copy's own, unreadable for its user.
        expect((await run(client, id, 'cat /etc/shadow')).exit_status).not.toBe(0);
      });
    }
    await box.client.devboxes.executions.kill(box.id, execution_id, { kill_process_group: true });
  });

  it('attributes and nodes that mean something to an overlay mean nothing in the copy (CVE-2023-0386, CVE-2021-3493)', {
    timeout: 120_000,
  }, async () => {
    const forge = `import os, stat
os.makedirs("/tmp/forged/kept", exist_ok=True); open("/tmp/forged/kept/file", "w").write("kept")
for name in ("trusted.overlay.redirect", "trusted.overlay.opaque", "user.overlay.redirect", "user.overlay.opaque", "user.overlay.metacopy", "security.capability"):
    for path in ("/tmp/forged", "/tmp/forged/kept", "/tmp/forged/kept/file"):
        try: os.setxattr(path, name, b"/etc" if name.endswith("redirect") else b"y" if "overlay" in name else b"\\x01\\x00\\x00\\x02" + b"\\xff" * 16)
        except OSError as error: pass
try: os.mknod("/tmp/forged/whiteout", stat.S_IFCHR | 0o600, os.makedev(0, 0))
except OSError as error: pass
try: os.mknod("/tmp/forged/disk", stat.S_IFBLK | 0o666, os.makedev(254, 0))
except OSError as error: pass`;
    expect((await run(box.client, box.id, `sudo python3 -c '${forge}'`)).exit_status).toBe(0);
    await withCopy(client, box.id, async (id) => {
      expect(await output(client, id, 'cat /tmp/forged/kept/file')).toBe('kept');
      expect(await output(client, id, 'ls /tmp/forged/kept')).toBe('file\n');
      expect((await run(client, id, 'sudo head -c1 /tmp/forged/disk')).exit_status).not.toBe(0);
    });
  });

  it('programs with set-user-id in a snapshot belong to the box, not to the machine', {
    timeout: 120_000,
  }, async () => {
    await output(box.client, box.id, 'sudo cp /bin/cat /tmp/root-cat && sudo chmod 6755 /tmp/root-cat');
    await withCopy(client, box.id, async (id) => {
      expect(await output(client, id, 'stat -c "%u %g %a" /tmp/root-cat')).toBe('0 0 6755\n');
      if (!sandboxed()) {
        // A kernel of the box's own has its own root; seen from outside it is nobody all the same (test/escape/privilege).
        expect(await output(client, id, '/tmp/root-cat /proc/self/uid_map | tr -s " "')).not.toMatch(/^ 0 0 /m);
      }
    });
  });
});
