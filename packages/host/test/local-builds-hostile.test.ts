import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { BuildHost } from './builds/build-host.ts';
import { tar } from './builds/tar.ts';
import { buildSpec, ended } from './contract/builds.ts';
import { pieces } from './contract/harness.ts';
import { programs } from './local-harness.ts';
import { patienceMs } from './patience.ts';

const run = promisify(execFile);
const MIB = 2 ** 20;
const { limits } = buildSpec('');

describe.skipIf(typeof programs === 'string')('builds of strangers', { timeout: patienceMs(120_000) }, () => {
  const builds = new BuildHost(({ builds: settings }) => ({
    builds: { ...settings, maxContextBytes: 4 * MIB, maxFiles: 4_000 },
  }));
  const from = 'FROM berth:base';

  describe('what a step takes too much of', () => {
    it('is its time', async () => {
      const { state } = await builds.build(`${from}\nRUN sleep 100000`, { limits: { ...limits, timeoutMs: 6_000 } });
      expect(state).toMatchObject({ phase: 'failed', failure: 'timed_out' });
    });

    it('is its memory', async () => {
      const { state } = await builds.build(`${from}\nRUN tail /dev/zero`, {
        limits: { ...limits, memoryBytes: 192 * MIB },
      });
      expect(state).toMatchObject({ phase: 'failed', failure: 'out_of_memory' });
    });

    it('is its disk', async () => {
      const { state } = await builds.build(`${from}\nRUN dd if=/dev/zero of=/big bs=1M count=4000`, {
        limits: { ...limits, diskBytes: 256 * MIB },
      });
      expect(state).toMatchObject({ phase: 'failed', failure: 'out_of_disk' });
    });

    it('is processes: a fork bomb ends with the build', async () => {
      const bomb = 'for i in $(seq 1 400); do sleep 100000 & done; wait';
      const { state } = await builds.build(`${from}\nRUN ${bomb}`, {
        limits: { ...limits, processes: 96, timeoutMs: 30_000 },
      });
      expect(state).toMatchObject({ phase: 'failed' });
    });

    it('is its log: what is too much is left out, and the build goes on', async () => {
      const { state, log, text } = await builds.build(`${from}\nRUN yes words | head -c 40000000; echo the end`);
      expect(state.phase).toBe('complete');
      expect(text.length).toBeLessThan(17 * MIB);
      expect(log.some(({ level, message }) => level === 'warn' && message.includes('full'))).toBe(true);
    });

    it('is its number of files', async () => {
      const many = 'mkdir /m; cd /m; seq 1 6000 | while read i; do : > $i; done';
      const { state } = await builds.build(`${from}\nRUN ${many}`);
      expect(state).toMatchObject({
        phase: 'failed',
        failure: 'out_of_disk',
        detail: expect.stringContaining('files'),
      });
    });
  });

  it('leave nothing when they are cancelled in the middle of a step', async () => {
    const spec = buildSpec(`${from}\nRUN echo begun; sleep 100000`);
    await builds.host.startBuild(spec);
    for await (const { message } of builds.host.buildLog(spec.id, { fromLine: 0, follow: true })) {
      if (message === 'begun') {
        break;
      }
    }
    await builds.host.cancelBuild(spec.id);
    expect(await ended(builds.host, spec.id)).toMatchObject({ phase: 'cancelled' });
    const { leaks } = await builds.host.describe();
    expect(leaks).toMatchObject({ processes: 0, cgroups: 0, bundles: 0, runtimeStates: 0, interfaces: 0 });
  });

  describe('what a step reaches', () => {
    it('is nothing of this machine: no file, no process, no device, no namespace of its own', async () => {
      const { text } = await builds.image(
        [
          from,
          'RUN ls / ; ls /berth /work /s 2>&1; echo pids: $(ps -e | wc -l); id -u',
          'RUN mknod /disk b 7 0 2>&1 || echo no device',
          'RUN unshare -Ur true 2>&1 || echo no namespace',
          'RUN mount -t tmpfs none /tmp 2>&1 || echo no mount',
          'RUN (echo 1 > /proc/sys/kernel/panic) 2>&1 || echo no sysctl',
        ].join('\n'),
      );
      for (const line of ['no device', 'no namespace', 'no mount', 'no sysctl', 'ls: cannot access']) {
        expect(text).toContain(line);
      }
      expect(Number(/pids: (\d+)/.exec(text)?.[1])).toBeLessThan(10);
    });

    it('is neither this machine nor a private network, by a step or by ADD', async () => {
      const address = Object.values(networkInterfaces())
        .flat()
        .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
      let reached = 0;
      const server = createServer((socket) => {
        reached++;
        socket.end('HTTP/1.0 200 OK\r\n\r\nsecret of the host');
      });
      await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
      const { port } = server.address() as { port: number };
      try {
        const step = `RUN (exec 3<>/dev/tcp/${address}/${port}) 2>&1 || echo closed; (exec 3<>/dev/tcp/169.254.169.254/80) 2>&1 || echo closed too`;
        const { text } = await builds.image(`${from}\n${step}`);
        expect(text).toContain('closed\n');
        expect(text).toContain('closed too');
        const { state } = await builds.build(`${from}\nADD http://${address}:${port}/x /x`, {
          limits: { ...limits, timeoutMs: 60_000 },
        });
        expect(state.phase).toBe('failed');
        expect(reached).toBe(0);
      } finally {
        server.close();
      }
    });

    it.each(['dir:/etc', 'oci-archive:/etc/passwd', 'docker-archive:/proc/1/root/etc/shadow', 'containers-storage:x'])(
      'is no image by a path (%s)',
      async (name) => {
        const { state, text } = await builds.build(`FROM ${name}\nRUN cat /etc/passwd`);
        expect(state.phase).toBe('failed');
        expect(text).not.toContain('root:');
      },
    );
  });

  describe('contexts', () => {
    it('are taken with or without "./", plain or compressed, and .dockerignore holds', async () => {
      const entries = [
        { name: './a', content: 'one' },
        { name: 'sub/b', content: 'two' },
        { name: 'left/out', content: 'three' },
        { name: '.dockerignore', content: 'left\n' },
      ];
      const dockerfile = `${from}\nCOPY . /c\nRUN cd /c && find . -type f | sort | tr '\\n' ' '; cat a sub/b`;
      for (const [kind, context] of Object.entries({ plain: tar(...entries), gzip: gzipSync(tar(...entries)) })) {
        const { text } = await builds.image(`${dockerfile}; : ${kind}`, {}, context);
        expect(text).toContain('./a ./sub/b onetwo');
      }
    });

    it('that are too large, or no archive, are refused', async () => {
      const spec = buildSpec(from, { context: true });
      await builds.host.startBuild(spec);
      const large = pieces(...Array.from({ length: 6 }, () => 'x'.repeat(MIB)));
      await expect(builds.host.putBuildContext(spec.id, large)).rejects.toMatchObject({ code: 'tooLarge' });
      await builds.host.cancelBuild(spec.id);
      for (const bytes of [Buffer.from('no archive'.repeat(200)), gzipSync(Buffer.alloc(20_000, 7)).subarray(0, 30)]) {
        const { state } = await builds.build(`${from}\nCOPY . /c`, {}, bytes);
        expect(state).toMatchObject({ phase: 'failed', failure: 'context_invalid' });
      }
    });

    it('that lead outside end where they are', async () => {
      const marker = `berth-escape-${process.pid}`;
      const evil = [
        [{ name: `../../../../tmp/${marker}`, content: 'x' }],
        [{ name: `/tmp/${marker}`, content: 'x' }],
        [
          { name: 'out', link: '/tmp' },
          { name: `out/${marker}`, content: 'x' },
        ],
        [{ name: 'disk', device: [7, 0] as const }],
        [
          { name: 'shadow', link: '/etc/shadow', hard: true },
          { name: 'shadow', content: 'x' },
        ],
      ];
      const before = await readFile('/etc/shadow');
      for (const entries of evil) {
        const { state, text } = await builds.build(`${from}\nCOPY . /c\nRUN ls -lR /c`, {}, tar(...entries));
        expect(['complete', 'failed']).toContain(state.phase);
        expect(text).not.toMatch(/^b[rwx-]{9}/m);
        expect(existsSync(`/tmp/${marker}`)).toBe(false);
      }
      expect(await readFile('/etc/shadow')).toEqual(before);
    });

    it('with links to files of the machine copy nothing of it', async () => {
      const context = tar(
        { name: 'passwd', link: '/etc/passwd' },
        { name: 'up', link: '../../../../../etc' },
        { name: 'a', content: 'a' },
      );
      const { text } = await builds.build(
        `${from}\nCOPY . /c\nRUN ls -l /c; cat /c/passwd\nCOPY up/passwd /stolen\nRUN cat /stolen`,
        {},
        context,
      );
      expect(text).not.toContain('/usr/sbin/nologin');
      expect(text).not.toMatch(/^daemon:/m);
    });
  });

  it('keep their secrets: in the environment of steps, and nowhere else', async () => {
    const value = `secret-${'k7'.repeat(9)}`;
    const { spec, text, state } = await builds.image(`${from}\nRUN echo length \${#TOKEN}; echo "it is $TOKEN"`, {
      secrets: { TOKEN: value, OTHER_1: 'line one\nline "two"' },
      steps: [{ kind: 'run', command: 'echo step length \x24{#TOKEN}; echo "$OTHER_1" | wc -l', user: 'root' }],
    });
    expect(text).toContain(`length ${value.length}`);
    expect(text).toContain(`step length ${value.length}`);
    expect(text).toContain('it is ***');
    expect(text).not.toContain(value);
    expect(JSON.stringify(state)).not.toContain(value);
    const { stateDirectory } = builds.host;
    const found = await run('grep', ['-rlF', '--exclude=volume.img', value, stateDirectory]).catch(() => ({
      stdout: '',
    }));
    expect(found.stdout).toBe('');
    // Other secrets are other steps; the same ones find them.
    const dockerfile = spec.dockerfile;
    const again = await builds.image(`${dockerfile}\n# again`, { secrets: spec.secrets, steps: spec.steps });
    expect(again.text).toContain('Using cache');
    const other = await builds.image(dockerfile, { secrets: { TOKEN: 'another one' }, steps: spec.steps });
    expect(other.text).toContain('length 11');
  });
});
