import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Enough for a shell, for preparing an image, and for doing harm. */
const PROGRAMS = [
  ...[
    'bash',
    'cat',
    'chmod',
    'chown',
    'cp',
    'cut',
    'dd',
    'env',
    'find',
    'grep',
    'head',
    'id',
    'ln',
    'ls',
    'mkdir',
    'mknod',
    'mount',
  ],
  ...['ps', 'rm', 'sed', 'seq', 'sleep', 'sort', 'stat', 'tail', 'touch', 'tr', 'unshare', 'wc', 'yes'],
];

/** A root file system of a few megabytes out of this machine's own programs, for tests that build many images. */
export async function makeSmallRootfs(directory: string): Promise<string> {
  await rm(directory, { recursive: true, force: true });
  for (const name of [
    'usr/bin',
    'usr/lib',
    'usr/lib64',
    'etc/skel',
    'root',
    'tmp',
    'var/tmp',
    'proc',
    'sys',
    'dev',
    'home',
  ]) {
    await mkdir(join(directory, name), { recursive: true, mode: 0o755 });
  }
  for (const name of ['bin', 'lib', 'lib64']) {
    await symlink(`usr/${name}`, join(directory, name));
  }
  const found = PROGRAMS.map((name) => join('/usr/bin', name)).filter((path) => existsSync(path));
  const { stdout } = await run('ldd', found);
  const libraries = new Set([...stdout.matchAll(/(\/\S*\.so\S*)/g)].map(([, path = '']) => path));
  for (const path of [...found, ...libraries]) {
    const target = join(directory, path.replace(/^\/(lib|lib64|bin)\//, '/usr/$1/'));
    await mkdir(dirname(target), { recursive: true });
    await copyFile(path, target);
    await chmod(target, 0o755);
  }
  await symlink('bash', join(directory, 'usr/bin/sh'));
  await writeFile(join(directory, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/bash\n');
  await writeFile(join(directory, 'etc/group'), 'root:x:0:\n');
  await writeFile(
    join(directory, 'etc/profile'),
    'PATH=/usr/bin:/bin\nfor one in /etc/profile.d/*.sh; do [ -r "$one" ] && . "$one"; done\n',
  );
  await chmod(join(directory, 'tmp'), 0o1777);
  return directory;
}
