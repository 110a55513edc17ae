import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostConfiguration } from '../src/local/configuration.ts';

/** A runsc for this installation that has trouble on demand (helper/troubled-runsc.sh says which). */
export async function troubledRunsc({
  runsc = 'runsc',
  stateDirectory,
}: Pick<HostConfiguration, 'runsc' | 'stateDirectory'>): Promise<{ path: string; orderFile: string }> {
  const [path, orderFile] = [join(stateDirectory, 'troubled-runsc'), join(stateDirectory, 'trouble')];
  const script = join(import.meta.dirname, 'helper/troubled-runsc.sh');
  await writeFile(path, `#!/bin/sh\nexec bash "${script}" "${runsc}" "${orderFile}" "$@"\n`);
  await chmod(path, 0o755);
  return { path, orderFile };
}
