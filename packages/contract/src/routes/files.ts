import { executionDetailView } from '../executions.ts';
import { downloadFileBody, fileContentsLimitBytes, readFileBody, writeFileBody } from '../files.ts';
import { defineRoute } from '../route.ts';
import { byDevbox, emptyObject, readDevboxes, writeDevboxes } from './devbox-parts.ts';

const tag = 'files';
/** Reading and writing whole files is idempotent by nature; nothing is remembered. */
const common = { method: 'POST', tag, idempotency: 'token', ...byDevbox } as const;
const write = {
  ...common,
  access: writeDevboxes,
  body: writeFileBody,
  // JSON escapes may double the size of the contents.
  bodyLimitBytes: fileContentsLimitBytes * 2,
  response: executionDetailView,
} as const;

/** Files of a box (API §5). */
export const fileRoutes = {
  read: defineRoute({
    ...common,
    access: readDevboxes,
    path: '/v1/devboxes/{id}/read_file_contents',
    operationId: 'readFileContents',
    summary: 'Text of a file',
    body: readFileBody,
    response: { kind: 'text' },
  }),
  write: defineRoute({
    ...write,
    path: '/v1/devboxes/{id}/write_file_contents',
    operationId: 'writeFileContents',
    summary: 'Write a text file',
  }),
  writeLegacy: defineRoute({
    ...write,
    path: '/v1/devboxes/{id}/write_file',
    operationId: 'writeFile',
    summary: 'Older name of write_file_contents',
  }),
  upload: defineRoute({
    ...common,
    access: writeDevboxes,
    path: '/v1/devboxes/{id}/upload_file',
    operationId: 'uploadFile',
    summary: 'Write a file of any size; the parts `path` and `file` may come in any order',
    body: {
      kind: 'stream',
      contentType: 'multipart/form-data',
      schema: {
        type: 'object',
        required: ['path', 'file'],
        properties: { path: { type: 'string' }, file: { type: 'string', format: 'binary' } },
      },
    },
    response: emptyObject,
  }),
  download: defineRoute({
    ...common,
    access: readDevboxes,
    path: '/v1/devboxes/{id}/download_file',
    operationId: 'downloadFile',
    summary: 'Bytes of a file',
    body: downloadFileBody,
    response: { kind: 'bytes', contentType: 'application/octet-stream' },
  }),
};
