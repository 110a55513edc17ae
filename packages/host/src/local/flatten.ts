import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { Layer } from '../contract/index.ts';
import { HelperError } from '../helper/helper-error.ts';

const run = promisify(execFile);

const FLATTEN_TIMEOUT_MS = 30 * 60_000;

const failure = z.object({ error: z.object({ message: z.string(), osError: z.string().optional() }) });

/** A snapshot, by the path of its subvolume, and what is to become part of it. */
export interface FlattenWish {
  readonly snapshot: string;
  /** Outer owner of what root owns in it. */
  readonly ownerBase: number;
  /** What it lies on, top layer first. They stay as they are. */
  readonly layers: readonly Layer[];
}

/**
 * Makes the snapshot hold what its own layer and those below it show together; contents are shared, not copied. On the disk when it returns. Killed in
 * between, the snapshot may be gone: it is to be removed then. @throws HelperError
 */
export async function flatten(helperBinary: string, { snapshot, ownerBase, layers }: FlattenWish): Promise<void> {
  const words = [snapshot, String(ownerBase), ...layers.flatMap((layer) => [layer.path, String(layer.ownerBase)])];
  try {
    // Else it would go on where the next host cleans up.
    await run('setpriv', ['--pdeathsig', 'KILL', helperBinary, 'flatten', ...words], {
      timeout: FLATTEN_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
  } catch (cause) {
    const said = failure.safeParse(parsed(cause));
    throw said.success
      ? new HelperError('os', said.data.error.message, said.data.error.osError)
      : new HelperError('lost', `merging layers: ${String(cause)}`);
  }
}

function parsed(cause: unknown): unknown {
  try {
    return cause instanceof Error && 'stdout' in cause ? JSON.parse(String(cause.stdout)) : undefined;
  } catch {
    return undefined;
  }
}
