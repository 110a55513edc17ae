import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HostError } from '../contract/index.ts';
import type { HelperClient } from '../helper/helper-client.ts';
import type { Heritage } from '../link/guest-box.ts';

const MANIFEST = 'berth.json';
/** Files up to this size are compared by content; of the pages of the memory themselves the size has to do. */
const MAX_DIGESTED_BYTES = 16 * 1024 * 1024;

interface Manifest {
  readonly files: ReadonlyArray<{ readonly name: string; readonly sizeBytes: number; readonly sha256?: string }>;
  readonly heritage: Heritage;
}

/**
 * Makes an image out of what the runtime wrote into the directory, there after a power loss too unless it is `brief`. The row that names it is written
 * only then.
 * @returns its size in bytes
 */
export async function sealImage(
  helper: Pick<HelperClient, 'call'>,
  directory: string,
  heritage: Heritage,
  { brief = false }: { readonly brief?: boolean } = {},
): Promise<number> {
  const names = (await readdir(directory)).filter((name) => name !== MANIFEST);
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(directory, name);
      const { size: sizeBytes } = await stat(path);
      return { name, sizeBytes, ...(sizeBytes > MAX_DIGESTED_BYTES ? {} : { sha256: await digest(path) }) };
    }),
  );
  const manifest: Manifest = { files, heritage };
  await writeFile(join(directory, MANIFEST), JSON.stringify(manifest), { mode: 0o600 });
  if (!brief) {
    // The disk of the box and its memory belong together: both are on this file system.
    await helper.call('fileSystemSync', { path: directory });
  }
  return files.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}

/** Looks whether the image is what was sealed, and tells what comes along with it. @throws HostError `checkpointUnusable` */
export async function openImage(directory: string): Promise<Heritage> {
  const { files, heritage } = await readManifest(directory);
  for (const { name, sizeBytes, sha256 } of files) {
    const path = join(directory, name);
    const found = await stat(path).catch(() => undefined);
    if (found?.size !== sizeBytes) {
      throw unusable(`${name} has ${found?.size ?? 'no'} bytes, not ${sizeBytes}`);
    }
    if (sha256 !== undefined && (await digest(path)) !== sha256) {
      throw unusable(`${name} is not what was written`);
    }
  }
  return heritage;
}

export async function removeImage(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
}

async function readManifest(directory: string): Promise<Manifest> {
  try {
    return JSON.parse(await readFile(join(directory, MANIFEST), 'utf8'));
  } catch (error) {
    throw unusable(`it cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function digest(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

const unusable = (why: string) => new HostError('checkpointUnusable', `the memory image cannot be used: ${why}`);
