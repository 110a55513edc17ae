import { z } from 'zod';
import { page, pageQuery, queryBoolean, queryInteger } from './pagination.ts';
import { metadataMap, storableText } from './text.ts';

export const objectContentTypes = ['unspecified', 'text', 'binary', 'gzip', 'tar', 'tgz'] as const;
export type ObjectContentType = (typeof objectContentTypes)[number];

export const objectStates = ['UPLOADING', 'READ_ONLY', 'DELETED', 'ERROR'] as const;
export type ObjectState = (typeof objectStates)[number];

/** Longest life of an object, in milliseconds: a hundred years. */
const maximumTtlMs = 3_155_760_000_000;

/** Body of `POST /v1/objects` (API §13). */
export const objectCreate = z.object({
  name: storableText(1_024).min(1),
  content_type: z.enum(objectContentTypes),
  metadata: metadataMap.optional(),
  /** Life in milliseconds from the creation on. */
  ttl_ms: z.int().min(1).max(maximumTtlMs).optional(),
  /** Whether every account of the installation may read it. */
  is_public: z.boolean().optional(),
});
export type ObjectCreate = z.output<typeof objectCreate>;

/** An object as clients see it. */
export const objectView = z.object({
  id: z.string(),
  name: z.string(),
  content_type: z.enum(objectContentTypes),
  state: z.enum(objectStates),
  create_time_ms: z.int(),
  delete_after_time_ms: z.int().nullable(),
  metadata: z.record(z.string(), z.string()),
  /** Null until something was uploaded. */
  size_bytes: z.int().nullable(),
  is_public: z.boolean(),
  /** Only in the answer to the create. */
  upload_url: z.string().nullable().optional(),
  /** Headers that are to be sent with the upload; left out where none are. */
  upload_headers: z.record(z.string(), z.string()).optional(),
});
export type ObjectView = z.output<typeof objectView>;

export const objectListView = page('objects', objectView);
export type ObjectListView = z.output<typeof objectListView>;

/** Filters of the lists (API §13). */
export const objectListQuery = pageQuery.extend({
  id: z.string().max(200).optional(),
  name: z.string().max(1_024).optional(),
  content_type: z.enum(objectContentTypes).optional(),
  state: z.enum(objectStates).optional(),
  search: z.string().max(1_024).optional(),
  is_public: queryBoolean.optional(),
});
export type ObjectListQuery = z.output<typeof objectListQuery>;

/** Longest validity of a download URL, in seconds: a week. */
const maximumDownloadSeconds = 604_800;

/** Query of the download: how long the URL is to be valid. */
export const objectDownloadQuery = z.object({
  duration_seconds: queryInteger(1, maximumDownloadSeconds).default(3_600),
});

export const objectDownloadView = z.object({ download_url: z.string() });
export type ObjectDownloadView = z.output<typeof objectDownloadView>;

/** Query of a presigned URL: end of its validity as Unix seconds, and what proves that the server made it. */
export const presignedQuery = z.object({
  expires: queryInteger(0, 99_999_999_999),
  signature: z.string().max(100),
});
export type PresignedQuery = z.output<typeof presignedQuery>;
