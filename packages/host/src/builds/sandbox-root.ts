import { existsSync } from 'node:fs';
import { chown, copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { STORES } from './build-bundle.ts';
import type { BuildParts } from './build-parts.ts';

const SHORT_NAMES = '/etc/containers/registries.conf.d/shortnames.conf';
const REGISTRIES = 'unqualified-search-registries = ["docker.io"]\nshort-name-mode = "permissive"';

/** The root directory of a sandbox: links into /usr, as distributions have them. */
export async function makeSkeleton(directory: string): Promise<void> {
  await mkdir(directory, { mode: 0o755 });
  for (const name of ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32']) {
    if (existsSync(join('/usr', name))) {
      await symlink(join('usr', name), join(directory, name));
    }
  }
  for (const name of ['var/tmp', 'var/lib', 'tmp', 'root']) {
    await mkdir(join(directory, name), { recursive: true, mode: 0o755 });
  }
}

/** Its `/etc`. `stores` are the names under which it finds layers. */
export async function makeEtc(
  directory: string,
  stores: readonly string[],
  { nameserver, ownerBase, settings }: Pick<BuildParts, 'nameserver' | 'ownerBase' | 'settings'>,
): Promise<void> {
  await mkdir(join(directory, 'containers'), { recursive: true, mode: 0o755 });
  await mkdir(join(directory, 'ssl'), { mode: 0o755 });
  const put = (name: string, text: string) => writeFile(join(directory, name), text, { mode: 0o644 });
  const aliases = (await readFile(SHORT_NAMES, 'utf8').catch(() => '')).replaceAll(/^\s*unqualified.*$/gm, '');
  await Promise.all([
    put('passwd', 'root:x:0:0:root:/root:/bin/bash\n'),
    put('group', 'root:x:0:\n'),
    put('hosts', '127.0.0.1\tlocalhost build\n'),
    put('resolv.conf', `nameserver ${nameserver()}\n`),
    put('containers/policy.json', JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] })),
    put('containers/storage.conf', storageConf(stores)),
    put('containers/containers.conf', '[containers]\nhttp_proxy = false\nlog_driver = "k8s-file"\n'),
    settings.registriesFile === undefined
      ? put('containers/registries.conf', `${REGISTRIES}\n${aliases}`)
      : copyFile(settings.registriesFile, join(directory, 'containers/registries.conf')),
  ]);
  if (settings.registriesAuthFile !== undefined) {
    const logins = join(directory, 'containers/auth.json');
    await writeFile(logins, await readFile(settings.registriesAuthFile), { mode: 0o600 });
    await chown(logins, ownerBase, ownerBase);
  }
}

const storageConf = (stores: readonly string[]) => `[storage]
driver = "overlay"
runroot = "/run/containers/storage"
graphroot = "/work/graph"
[storage.options]
additionalimagestores = [${stores.map((name) => `"${STORES}/${name}"`).join(', ')}]
[storage.options.overlay]
mountopt = "nodev"
`;
