import { describe, expect, it } from 'vitest';
import { output, run, useBox } from '../platform/boxes.ts';

describe('what two boxes of one machine see of each other', () => {
  const spy = useBox();
  const victim = useBox();
  const asRoot = (command: string) => run(spy.client, spy.id, `sudo sh -c '${command}'`);

  it('no path of a control group names another box, and none can be written (CVE-2022-0492, CVE-2024-21626)', async () => {
    const seen = await asRoot('cat /proc/self/cgroup /proc/1/cgroup; find /sys/fs/cgroup -maxdepth 4 2>/dev/null');
    expect(seen.stdout).not.toContain(victim.id);
    const written = await asRoot(
      'for f in $(find /sys/fs/cgroup -name cgroup.procs 2>/dev/null); do echo 1 > $f && echo wrote $f; done 2>/dev/null; true',
    );
    expect(written.stdout).toBe('');
  });

  it('shared memory, queues and semaphores are of one box alone (CWE-668)', async () => {
    const make =
      'import ctypes\nlibc = ctypes.CDLL(None)\nprint(libc.shmget(0x6265, 4096, 0o1666), libc.semget(0x6265, 1, 0o1666), libc.msgget(0x6265, 0o1666))';
    expect(await output(victim.client, victim.id, `python3 -c '${make}'`)).toMatch(/^\d+ \d+ \d+\n$/);
    await output(victim.client, victim.id, 'echo secret > /dev/shm/secret && chmod 666 /dev/shm/secret');
    const find =
      'import ctypes\nlibc = ctypes.CDLL(None)\nprint(libc.shmget(0x6265, 4096, 0), libc.semget(0x6265, 1, 0), libc.msgget(0x6265, 0))';
    expect(await output(spy.client, spy.id, `python3 -c '${find}'`)).toBe('-1 -1 -1\n');
    expect((await asRoot('cat /dev/shm/secret')).exit_status).not.toBe(0);
  });

  it("the memory of another box's processes is nowhere to be read (CVE-2022-0847, CVE-2016-5195: pages that are shared)", async () => {
    const mark = `mark-${Math.random().toString(36).slice(2)}`;
    const holder = await victim.client.devboxes.executeAsync(victim.id, {
      command: `exec python3 -c 'import time; mark = "${mark}"; time.sleep(300)'`,
    });
    const search = await asRoot(
      `for p in /proc/[0-9]*; do tr "\\0" " " < $p/cmdline; done 2>/dev/null | tr -d "\\n" | grep -c "[t]ime.sleep(300)"; true`,
    );
    expect(search.stdout?.trim()).toBe('0');
    for (const node of ['/dev/mem', '/dev/kmem', '/proc/kcore']) {
      expect((await asRoot(`head -c 1 ${node} | grep -q .`)).exit_status).not.toBe(0);
    }
    await victim.client.devboxes.executions.kill(victim.id, holder.execution_id, { kill_process_group: true });
  });

  it('a page of the shared image that one writes stays as it was for the other (CVE-2016-5195, CVE-2022-0847)', async () => {
    const before = await output(victim.client, victim.id, 'sha256sum /usr/bin/env');
    await asRoot('printf changed >> /usr/bin/env; chmod 777 /usr/bin/env; setfattr -n user.x -v y /usr/bin/env; true');
    expect(await output(victim.client, victim.id, 'sha256sum /usr/bin/env')).toBe(before);
    expect(await output(victim.client, victim.id, 'stat -c %a /usr/bin/env')).toBe('755\n');
  });
});
