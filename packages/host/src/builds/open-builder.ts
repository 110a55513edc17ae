import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { BuildParts } from './build-parts.ts';
import { BuildahBuilder } from './buildah-builder.ts';
import type { LocalBuilder } from './local-builder.ts';
import { UnusableBuilder } from './unusable-builder.ts';

const run = promisify(execFile);
const VERSION_TIMEOUT_MS = 20_000;

/** The builder of this machine, or one that says why there is none. What was built earlier stays where it is in either case. */
export async function openBuilder(
  parts: Omit<BuildParts, 'ownerBase'> & { readonly ownerBase: number | undefined },
): Promise<LocalBuilder> {
  const { ownerBase, settings } = parts;
  if (ownerBase === undefined) {
    return new UnusableBuilder('the range of user ids of this installation is too small');
  }
  const missing = await missingProgram(settings.buildah);
  if (missing !== undefined) {
    return new UnusableBuilder(missing);
  }
  const builder = new BuildahBuilder({ ...parts, ownerBase });
  await builder.recover();
  return builder;
}

async function missingProgram(buildah: string): Promise<string | undefined> {
  try {
    await run(buildah, ['--version'], { timeout: VERSION_TIMEOUT_MS });
    return undefined;
  } catch (error) {
    const cause = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return `buildah does not run (${cause}); ./berth setup installs it`;
  }
}
