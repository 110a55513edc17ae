import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { StoredLayer } from './build-rows.ts';

const MAX_FILE_BYTES = 32 * 1024 * 1024;
const id = z.string().regex(/^[0-9a-f]{64}$/);

const layers = z
  .array(
    z.object({
      id,
      parent: id.optional(),
      'diff-size': z.number().int().min(0).optional(),
    }),
  )
  .max(20_000);
const images = z.array(z.object({ id, layer: id.optional() })).max(20_000);
const text = z.string().max(4_096);
const words = z.array(z.string().max(64 * 1024)).max(1_024);
const config = z.object({
  Env: z
    .array(z.string().max(256 * 1024))
    .max(4_096)
    .nullish(),
  WorkingDir: text.nullish(),
  Entrypoint: words.nullish(),
  Cmd: words.nullish(),
  Labels: z.record(text, z.string().max(256 * 1024)).nullish(),
});

const inspected = z.object({ OCIv1: z.object({ config: config.optional() }) });

/** What a build has made, as its sandbox left it. */
export interface BuildResults {
  /** Of its own store; without the layers that it found in others. */
  readonly layers: readonly StoredLayer[];
  readonly images: Readonly<Record<string, string>>;
}

/** The image that came out of it. */
export interface BuiltImage {
  readonly contentId: string;
  /** Of the last stage of the Dockerfile. */
  readonly stage: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly workdir: string;
  readonly command: readonly string[];
  readonly user: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The store below `work`; empty when it made nothing. Nobody writes to it any more, but all in it may be made up. @throws Error */
export async function readStore(work: string): Promise<BuildResults> {
  const [storedLayers, storedImages] = await Promise.all([
    readJson(work, 'graph/overlay-layers/layers.json', layers),
    readJson(work, 'graph/overlay-images/images.json', images),
  ]);
  return {
    layers: (storedLayers ?? []).map((layer) => ({
      id: layer.id,
      parent: layer.parent ?? '',
      bytes: layer['diff-size'] ?? 0,
    })),
    images: Object.fromEntries((storedImages ?? []).map((image) => [image.id, image.layer ?? ''])),
  };
}

/** The image of an earlier build that it found again, by its content id, so that it did nothing more; undefined otherwise. @throws Error */
export async function readFinished(work: string): Promise<string | undefined> {
  const contentId = await readText(work, 'result/finished');
  return contentId === undefined ? undefined : id.parse(contentId.trim());
}

/** What build.sh wrote at its end. @throws Error */
export async function readBuiltImage(work: string): Promise<BuiltImage> {
  const [contentId, stage, user, inspection] = await Promise.all([
    readText(work, 'result/image'),
    readText(work, 'result/stage'),
    readText(work, 'result/user'),
    readJson(work, 'result/image.json', inspected),
  ]);
  const facts = inspection?.OCIv1.config ?? {};
  const environment = (facts.Env ?? []).flatMap((entry) => {
    const at = entry.indexOf('=');
    return at < 1 || entry.includes('\0') ? [] : [[entry.slice(0, at), entry.slice(at + 1)] as const];
  });
  const labels = Object.entries(facts.Labels ?? {}).filter(([name]) => !/^io\.(berth|buildah)\./.test(name));
  return {
    contentId: id.parse(contentId?.trim()),
    stage: id.parse(stage?.trim()),
    environment: Object.fromEntries(environment),
    workdir: facts.WorkingDir || '/',
    command: [...(facts.Entrypoint ?? []), ...(facts.Cmd ?? [])].filter((word) => !word.includes('\0')),
    user: text.parse(user ?? ''),
    labels: Object.fromEntries(labels),
  };
}

async function readJson<Value>(work: string, name: string, schema: z.ZodType<Value>): Promise<Value | undefined> {
  const content = await readText(work, name);
  return content === undefined ? undefined : schema.parse(JSON.parse(content));
}

/** Follows no link on the way, waits for nobody, and reads no more than is bearable. */
async function readText(work: string, name: string): Promise<string | undefined> {
  const path = join(await realpath(work), name);
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined) {
    return undefined;
  }
  if (real !== path) {
    throw new Error(`${name} of a build is a link`);
  }
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = await file.stat();
    if (!stat.isFile() || stat.size > MAX_FILE_BYTES) {
      throw new Error(`${name} of a build is no file, or too large`);
    }
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}
