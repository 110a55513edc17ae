import { z } from 'zod';
import { filePath } from './devboxes-mounts.ts';

export const readFileBody = z.object({ file_path: filePath });
export const downloadFileBody = z.object({ path: filePath });
export const writeFileBody = z.object({ file_path: filePath, contents: z.string() });

/** Largest JSON body that carries file contents; larger files go through `upload_file`. */
export const fileContentsLimitBytes = 100 * 1024 * 1024;
