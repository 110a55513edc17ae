import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { output, run, useBox, withBox } from '../platform/boxes.ts';
import { rawClient, sandboxed } from '../platform/clients.ts';
import { initOf, processesNaming, processIds } from '../platform/kernel.ts';

/** The real user id, outside, of the first process whose command line holds the text. */
const outerUserId = (text: string): number => {
  const pid = processIds().find((id) => {
    try {
      return readFileSync(`/proc/${id}/cmdline`, 'utf8').replaceAll('\0', ' ').includes(text);
    } catch {
      return false;
    }
  });
  return Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid ?? 'missing'}/status`, 'utf8'))?.[1]);
};

/** One field of /proc/<pid>/status of the box's first process, as seen outside. */
const outerStatus = (boxId: string, field: string): string =>
  new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${initOf(boxId)}/status`, 'utf8'))?.[1] ?? '';

/** A test of what a kernel of the box's own does; under the machine's there is nothing to test. */
const itInSandbox = sandboxed() ? it : () => undefined;

describe('root in the box is nobody outside', () => {
  const box = useBox();
  const asRoot = (command: string) => run(box.client, box.id, `sudo sh -c '${command}'`);

  it('sudo works inside, and that root has an ordinary user id outside', async () => {
    expect(await output(box.client, box.id, 'sudo -n id -u')).toBe('0\n');
    expect(Number(outerStatus(box.id, 'Uid'))).toBeGreaterThanOrEqual(65_536);
    if (sandboxed()) {
      // Outside there are no processes of the box, only the sandbox.
      return;
    }
    const mark = String(100_000 + Math.floor(Math.random() * 900_000));
    const { execution_id } = await box.client.devboxes.executeAsync(box.id, { command: `sudo sleep ${mark}` });
    await output(box.client, box.id, `until pgrep -fx "sleep ${mark}" >/dev/null; do sleep 0.05; done`);
    expect(processesNaming(`sleep\0${mark}`)).not.toEqual([]);
    expect(outerUserId(`sleep ${mark}`)).toBeGreaterThanOrEqual(65_536);
    await box.client.devboxes.executions.kill(box.id, execution_id, { kill_process_group: true });
  });

  it('sees no process but its own, and no root but its own (CVE-2024-21626: leaked working directories)', async () => {
    const pids = (await output(box.client, box.id, 'ls /proc | grep -c "^[0-9]*$"')).trim();
    expect(Number(pids)).toBeLessThan(20);
    expect((await asRoot('readlink /proc/1/exe; ls /proc/1/root/berth /proc/1/root/work 2>&1')).stdout).not.toMatch(
      /host|state/,
    );
    const descriptors = await asRoot('for p in /proc/[0-9]*; do readlink $p/cwd $p/fd/* 2>/dev/null; done');
    expect(descriptors.stdout).not.toMatch(/^\/(sys\/fs\/cgroup|var\/lib\/berth|tmp\/bt-|proc\/\d+\/ns)/m);
  });

  const everywhere: ReadonlyArray<readonly [string, string]> = [
    ['/proc/sysrq-trigger', 'echo c > /proc/sysrq-trigger'],
    ['/proc/sys/kernel/core_pattern (CVE-2022-0492 and kin)', 'echo "|/tmp/x" > /proc/sys/kernel/core_pattern'],
    ['/proc/sys/kernel/modprobe', 'echo /tmp/x > /proc/sys/kernel/modprobe'],
    ['/proc/sys/vm', 'echo 1 > /proc/sys/vm/drop_caches'],
    ['/proc/irq', 'echo 1 > /proc/irq/default_smp_affinity'],
    ['/sys/kernel/uevent_helper', 'echo /tmp/x > /sys/kernel/uevent_helper'],
    ['/sys/power/state', 'echo mem > /sys/power/state'],
    ['a block device node', 'mknod /tmp/disk b 254 0 && cat /tmp/disk'],
    ['a memory device node', 'mknod /tmp/mem c 1 1 && head -c1 /tmp/mem'],
    ['/dev/kvm', 'test -c /dev/kvm'],
    ['/dev/loop-control', 'test -c /dev/loop-control'],
    ['a kernel module', 'finit=/tmp/m.ko; : > $finit; insmod $finit'],
    ['the clock', 'date -s 2001-01-01'],
    ['the host name of the machine', 'echo evil > /proc/sys/kernel/domainname && nsenter -t 1 -u true && exit 1'],
    ['a reboot', 'reboot -f'],
    ['swap', 'swapoff -a && swapon /tmp/x'],
    ['a real file system', 'mount -t ext4 /dev/vda /mnt'],
    ['a second sysfs', 'mount -t sysfs none /mnt && echo mem > /mnt/power/state'],
    ['the guest binary itself (CVE-2019-5736)', 'echo x > /.berth/guest'],
    ['the guest binary through /proc/1/exe (CVE-2019-5736)', 'echo x > /proc/1/exe'],
    [
      'release_agent (CVE-2022-0492)',
      'mkdir /tmp/cg && mount -t cgroup -o rdma cgroup /tmp/cg && echo /tmp/x > /tmp/cg/release_agent',
    ],
    [
      'its own memory limit',
      'for f in /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max; do [ -e $f ] && echo 99999999999 > $f && exit 0; done; exit 1',
    ],
    [
      'its own process limit',
      'for f in /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max; do [ -e $f ] && echo max > $f && exit 0; done; exit 1',
    ],
    ['perf events', 'perf stat true'],
    ['the keyring of others', 'cat /proc/keys | grep -v "^$" && exit 1; exit 1'],
    ['a new mount namespace', 'unshare --mount true'],
    [
      'a raw packet socket (CVE-2020-14386)',
      'python3 -c "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3)"',
    ],
    ['a vsock to the machine', 'python3 -c "import socket; socket.socket(40, socket.SOCK_STREAM)"'],
    [
      'io_uring (CVE-2022-29582 and kin)',
      'python3 -c "import ctypes, sys; sys.exit(0 if ctypes.CDLL(None).syscall(425, 8, 0) >= 0 else 1)"',
    ],
    ['/proc/kcore', 'head -c1 /proc/kcore | grep -q .'],
    ['/proc/kmsg', 'timeout 1 head -c1 /proc/kmsg | grep -q .'],
    ['/sys/firmware', 'ls -A /sys/firmware | grep -q .'],
  ];
  /** What a kernel of the box's own may allow, for it is not the machine's. */
  const ofSharedKernel: ReadonlyArray<readonly [string, string]> = [
    ['the kernel log', 'dmesg'],
    [
      'a new user namespace (CVE-2022-0185, CVE-2023-0386 and many more begin there)',
      'unshare --user --map-root-user --net true',
    ],
  ];

  it.each([...everywhere, ...(sandboxed() ? [] : ofSharedKernel)])(
    '%s is out of reach for its root',
    async (_what, command) => {
      expect((await asRoot(command)).exit_status).not.toBe(0);
      expect(await output(box.client, box.id, 'echo alive')).toBe('alive\n');
    },
  );

  itInSandbox('sees the log of its own kernel, not that of the machine', async () => {
    expect((await asRoot('dmesg')).stdout).toMatch(/Starting gVisor/);
  });

  it('has the seccomp filter on, and no dangerous system call', async () => {
    expect(outerStatus(box.id, 'Seccomp')).toBe('2');
    const calls = `import ctypes; libc = ctypes.CDLL(None, use_errno=True)
for name, number in dict(bpf=321, kexec_load=246, init_module=175, open_by_handle_at=304, userfaultfd=323, perf_event_open=298, add_key=248, keyctl=250).items():
    ctypes.set_errno(0)
    result = libc.syscall(number, 0, 0, 0, 0, 0)
    print(name, result, ctypes.get_errno())`;
    const { stdout } = await run(box.client, box.id, `sudo python3 -c '${calls}'`);
    for (const line of (stdout ?? '').trim().split('\n')) {
      expect(line).toMatch(/^\w+ -1 (1|38|22|14|13|95|19)$/);
    }
    expect((stdout ?? '').trim().split('\n')).toHaveLength(8);
  });

  it('cannot see or signal what is outside', async () => {
    expect((await asRoot('kill -9 -1; true')).status).toBe('completed');
    expect(await output(box.client, box.id, 'echo alive')).toBe('alive\n');
  });

  it('cannot kill its init from inside with an ordinary signal', async () => {
    await asRoot(`${sandboxed() ? '' : 'kill -9 1;'} kill -TERM 1; kill -INT 1`);
    expect(await output(box.client, box.id, 'echo alive')).toBe('alive\n');
    expect((await box.client.devboxes.retrieve(box.id)).status).toBe('running');
  });

  itInSandbox('harms itself alone by killing its init', async () => {
    const client = rawClient();
    await withBox(client, {}, async ({ id }) => {
      await run(client, id, 'sudo kill -9 1').catch(() => undefined);
      const status = async () => (await client.devboxes.retrieve(id)).status;
      await expect.poll(status, { timeout: 20_000 }).toBe('failure');
    });
    expect(await output(box.client, box.id, 'echo alive')).toBe('alive\n');
  });

  it('cannot impersonate the guest on the link (a hostile peer on the host socket)', async () => {
    await asRoot(
      'for i in 1 2 3; do echo garbage | timeout 1 python3 -c "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(\\"/.berth/run/host.sock\\"); s.sendall(b\\"\\\\xff\\"*100000)"; done; true',
    );
    expect(await output(box.client, box.id, 'echo alive')).toBe('alive\n');
  });
});
