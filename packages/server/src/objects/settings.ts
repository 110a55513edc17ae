/** How objects are kept. */
export interface ObjectSettings {
  /** Where: an absolute directory, or `s3://bucket/prefix?endpoint=…&region=…`. */
  readonly blobs: string;
  /** Largest content of one object. */
  readonly maximumBytes: number;
  /** Where URLs begin that callers and boxes are given; by how the caller reaches the server when left out. */
  readonly publicUrl?: string;
  /** Address by which boxes reach the presigned URLs of this server. */
  readonly doorAddress?: string;
  /** How long an upload may be begun after the object was made. */
  readonly uploadUrlMs: number;
  /** An object that is not complete after this time has failed. */
  readonly uploadMs: number;
}

export const defaultObjectSettings = {
  maximumBytes: 64 * 1024 ** 3,
  uploadUrlMs: 6 * 3_600_000,
  uploadMs: 24 * 3_600_000,
} as const satisfies Partial<ObjectSettings>;
