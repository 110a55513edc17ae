import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Speaks through the C library of the image alone. */
const GREETING = `
int puts(const char *);
void exit(int);
__attribute__((force_align_arg_pointer)) void _start(void) { puts("hello from musl"); exit(0); }
`;

/**
 * A root file system of busybox alone, as a tar: no bash, no sudo, no account but root, no package manager. With `musl`, that is its C library, and `/bin/greet` is
 * linked against it, as all of Alpine is.
 */
export async function plainRootfs(packages: string, { musl }: { readonly musl: boolean }): Promise<Buffer> {
  const work = await mkdtemp(join(tmpdir(), 'bp-'));
  const root = join(work, 'root');
  try {
    for (const name of ['bin', 'etc', 'tmp', 'root', 'lib', 'opt/tools']) {
      await mkdir(join(root, name), { recursive: true, mode: 0o755 });
    }
    const busybox = join(packages, 'bin/busybox');
    await copyFile(busybox, join(root, 'bin/busybox'));
    const { stdout } = await run(busybox, ['--list']);
    for (const name of stdout.trim().split('\n')) {
      if (name !== 'busybox' && name !== 'bash') {
        await symlink('busybox', join(root, 'bin', name));
      }
    }
    await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
    await writeFile(join(root, 'etc/group'), 'root:x:0:\ntty:x:5:\n');
    await writeFile(join(root, 'opt/tools/tool'), '#!/bin/sh\necho a tool\n');
    await chmod(join(root, 'opt/tools/tool'), 0o755);
    if (musl) {
      const library = join(packages, 'lib/x86_64-linux-musl/libc.so');
      const loader = '/lib/ld-musl-x86_64.so.1';
      await copyFile(library, join(root, loader));
      await chmod(join(root, loader), 0o755);
      await writeFile(join(work, 'greet.c'), GREETING);
      const options = ['-nostdlib', '-fno-builtin', '-fno-stack-protector', `-Wl,-dynamic-linker,${loader}`];
      const linked = ['-L', dirname(library), '-l:libc.so'];
      await run('gcc', [...options, '-o', join(root, 'bin/greet'), join(work, 'greet.c'), ...linked]);
    }
    const { stdout: archive } = await run('tar', ['--create', '--directory', root, '--owner=0', '--group=0', '.'], {
      encoding: 'buffer',
      maxBuffer: 64 * 2 ** 20,
    });
    return archive;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
