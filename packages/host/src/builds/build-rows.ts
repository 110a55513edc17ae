import type { DatabaseSync } from 'node:sqlite';
import type { BuildFailure, BuildPhase, BuildSpec, BuildState, ImageState } from '../contract/index.ts';
import { addMissingColumns } from '../spool/columns.ts';

/** A build as the host remembers it: the wish without its secrets, and what became of it. */
export interface BuildRow {
  readonly id: string;
  readonly phase: BuildPhase;
  readonly spec: Omit<BuildSpec, 'secrets'>;
  readonly failure: BuildFailure | undefined;
  readonly detail: string | undefined;
  /** Its image, as it was made. */
  readonly image: ImageState | null;
  readonly createdMs: number;
  readonly startedMs: number | undefined;
  readonly endedMs: number | undefined;
  readonly logLines: number;
}

/** One layer in a store. */
export interface StoredLayer {
  readonly id: string;
  readonly parent: string;
  readonly bytes: number;
}

/** What one build has added to the disk: a read-only store of images and layers, which later builds and boxes stand on. */
export interface StoreRow {
  readonly id: string;
  /** `importing`: half there; `ready`; `removing`: stood on by nothing, half gone. */
  readonly phase: 'importing' | 'ready' | 'removing';
  /** Who may find its layers in the cache; empty for everybody. */
  readonly scope: string;
  /** Tells builds with the same secrets, without saying which; empty without secrets. */
  readonly secretsMark: string;
  /** What the host made it for (`debian:bookworm`); empty for those of users. */
  readonly base: string;
  readonly layers: readonly StoredLayer[];
  /** Of each image in it, by its id: the layer on top. */
  readonly images: Readonly<Record<string, string>>;
  readonly bytes: number;
  readonly createdMs: number;
  /** When a build or a box last began upon it. */
  readonly usedMs: number;
}

/** A layer of an image: the store that it is in, and its name there. */
export interface LayerPlace {
  readonly store: string;
  readonly layer: string;
}

export interface ImageRow {
  readonly id: string;
  /** `base`: one of the host's own. */
  readonly phase: 'ready' | 'base';
  /** Tells builds of the same text, steps, context and bases; empty where that would not mean the same image. */
  readonly recipe: string;
  /** Content id of the last stage of its Dockerfile; empty where it is not known. */
  readonly stage: string;
  /** Tells builds that do the same upon that stage (`finishMark`). */
  readonly finish: string;
  /** Name by content, by which a Dockerfile can build upon it. */
  readonly contentId: string;
  /** Where that name is known. */
  readonly contentStore: string;
  /** Top layer first. */
  readonly layers: readonly LayerPlace[];
  readonly environment: Readonly<Record<string, string>>;
  readonly workdir: string;
  readonly command: readonly string[];
  readonly user: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly sizeBytes: number;
  readonly standIn: string | undefined;
  readonly createdMs: number;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS builds (
    id TEXT PRIMARY KEY,
    phase TEXT NOT NULL,
    spec TEXT NOT NULL,                -- JSON, without secrets
    failure TEXT,
    detail TEXT,
    image TEXT NOT NULL,               -- JSON
    created_ms INTEGER NOT NULL,
    started_ms INTEGER,
    ended_ms INTEGER,
    log_lines INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS image_stores (
    id TEXT PRIMARY KEY,
    phase TEXT NOT NULL,
    scope TEXT NOT NULL,
    secrets_mark TEXT NOT NULL,
    base TEXT NOT NULL,
    layers TEXT NOT NULL,              -- JSON
    images TEXT NOT NULL,              -- JSON
    bytes INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    used_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS images (
    id TEXT PRIMARY KEY,
    phase TEXT NOT NULL,
    recipe TEXT NOT NULL,
    stage TEXT NOT NULL DEFAULT '',
    finish TEXT NOT NULL DEFAULT '',
    content_id TEXT NOT NULL,
    content_store TEXT NOT NULL,
    layers TEXT NOT NULL,              -- JSON, top layer first
    environment TEXT NOT NULL,         -- JSON
    workdir TEXT NOT NULL,
    command TEXT NOT NULL DEFAULT '[]', -- JSON
    user TEXT NOT NULL,
    labels TEXT NOT NULL,              -- JSON
    size_bytes INTEGER NOT NULL,
    stand_in TEXT,
    created_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

export const prepareBuildTables = (database: DatabaseSync): void => {
  database.exec(SCHEMA);
  addMissingColumns(database, 'images', [
    "stage TEXT NOT NULL DEFAULT ''",
    "finish TEXT NOT NULL DEFAULT ''",
    "command TEXT NOT NULL DEFAULT '[]'",
  ]);
};

export const buildColumns: Readonly<Record<keyof BuildRow, string>> = {
  id: 'id',
  phase: 'phase',
  spec: 'spec',
  failure: 'failure',
  detail: 'detail',
  image: 'image',
  createdMs: 'created_ms',
  startedMs: 'started_ms',
  endedMs: 'ended_ms',
  logLines: 'log_lines',
};

export const storeColumns: Readonly<Record<keyof StoreRow, string>> = {
  id: 'id',
  phase: 'phase',
  scope: 'scope',
  secretsMark: 'secrets_mark',
  base: 'base',
  layers: 'layers',
  images: 'images',
  bytes: 'bytes',
  createdMs: 'created_ms',
  usedMs: 'used_ms',
};

export const imageColumns: Readonly<Record<keyof ImageRow, string>> = {
  id: 'id',
  phase: 'phase',
  recipe: 'recipe',
  stage: 'stage',
  finish: 'finish',
  contentId: 'content_id',
  contentStore: 'content_store',
  layers: 'layers',
  environment: 'environment',
  workdir: 'workdir',
  command: 'command',
  user: 'user',
  labels: 'labels',
  sizeBytes: 'size_bytes',
  standIn: 'stand_in',
  createdMs: 'created_ms',
};

/** What others see of a build. */
export const buildStateOf = ({
  id,
  phase,
  failure,
  detail,
  image,
  createdMs,
  startedMs,
  endedMs,
  logLines,
}: BuildRow): BuildState => ({
  id,
  phase,
  ...(failure === undefined ? {} : { failure }),
  ...(detail === undefined ? {} : { detail }),
  ...(image === null ? {} : { image }),
  createdMs,
  ...(startedMs === undefined ? {} : { startedMs }),
  ...(endedMs === undefined ? {} : { endedMs }),
  logLines,
});

export const hasEnded = ({ phase }: Pick<BuildRow, 'phase'>): boolean => phase !== 'queued' && phase !== 'running';
