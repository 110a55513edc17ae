import { z } from 'zod';

/** Text that the database and a process environment can hold: well-formed Unicode without NUL. */
export const storableText = (maximumLength: number) =>
  z
    .string()
    .max(maximumLength)
    .refine((text) => !text.includes('\0'), 'must not contain NUL')
    .refine((text) => text.isWellFormed(), 'must be well-formed Unicode');

const metadataBytes = 64 * 1024;

/** User defined labels of a resource (API §2.3). */
export const metadataMap = z
  .record(storableText(256).min(1), storableText(16_384))
  .refine((map) => JSON.stringify(map).length <= metadataBytes, `must be at most ${metadataBytes} bytes in all`);
