import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { Busboy, type BusboyFileStream, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';
import { apiError } from '../errors/api-error.ts';

/** What the form brings, as it arrives. */
export interface UploadForm {
  /** The part `path`. */
  readonly onPath: (path: string) => void;
  /** The part `file`; the form goes on once the promise is resolved. `name` is what the client calls the file. */
  readonly onFile: (content: AsyncIterable<Uint8Array>, name: string | undefined) => Promise<void>;
}

/** A sender that sends nothing for this long is given up. */
const stallTimeoutMs = 60_000;
const limits = {
  fieldNameSize: 100,
  fieldSize: 8_192,
  fields: 16,
  files: 1,
  parts: 20,
  headerPairs: 50,
  headerSize: 16_384,
};

const incomplete = (problem: string, cause?: unknown) => apiError('uploadIncomplete', { problem }, cause);

/** Waits for the next piece of the request, but not for ever. */
const nextChunk = async (source: AsyncIterator<Buffer>): Promise<IteratorResult<Buffer>> => {
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(apiError('requestTimeout')), stallTimeoutMs);
  });
  try {
    return await Promise.race([source.next(), stalled]);
  } finally {
    clearTimeout(timer);
  }
};

/** Feeds the parser as fast as it takes. */
const pump = async (source: Readable, parser: BusboyInstance, failed: Promise<never>): Promise<void> => {
  const chunks: AsyncIterator<Buffer> = source[Symbol.asyncIterator]();
  for (let next = await nextChunk(chunks); next.done !== true; next = await Promise.race([nextChunk(chunks), failed])) {
    if (!parser.write(next.value)) {
      await Promise.race([once(parser, 'drain'), failed]);
    }
  }
  parser.end();
};

/**
 * Reads a `multipart/form-data` request without keeping it: parts come in any order, the file streams. Rejects with `uploadIncomplete` when the
 * form is cut off or not one, with what `onFile` rejects with, or 408 when the sender stalls.
 */
export const readUploadForm = async (source: Readable, contentType: string, form: UploadForm): Promise<void> => {
  let parser: BusboyInstance;
  try {
    const headers = { 'content-type': contentType } as BusboyHeaders;
    // A part named `file` is bytes, whether or not the client gave it a file name.
    parser = new Busboy({ headers, limits, isPartAFile: (field) => field === 'file' });
  } catch (error) {
    throw incomplete(error instanceof Error ? error.message : 'unreadable', error);
  }
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  failed.catch(() => undefined);
  let file: { readonly stream: BusboyFileStream; readonly done: Promise<void> } | undefined;

  parser.on('field', (name, value, _nameTruncated, valueTruncated) => {
    if (name === 'path') {
      if (valueTruncated) {
        fail(incomplete('the part path is too long'));
      } else {
        form.onPath(value);
      }
    }
  });
  parser.on('file', (_field, stream, name) => {
    // Without a listener, the early end of a part would be an uncaught error; whoever reads the stream gets it too.
    stream.on('error', () => undefined);
    const done = form.onFile(stream, name === '' ? undefined : name);
    done.catch(fail);
    file = { stream, done };
  });
  for (const event of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) {
    parser.on(event, () => fail(incomplete('it has too many parts')));
  }
  parser.on('error', (error) => fail(incomplete(error instanceof Error ? error.message : String(error), error)));
  const finished = once(parser, 'finish');
  finished.catch(() => undefined);
  try {
    await Promise.race([pump(source, parser, failed), failed]);
    await Promise.race([finished, failed]);
    if (file === undefined) {
      throw incomplete('the part file is missing');
    }
    await Promise.race([file.done, failed]);
  } catch (error) {
    file?.stream.destroy(error instanceof Error ? error : new Error(String(error)));
    await file?.done.catch(() => undefined);
    parser.destroy();
    throw error;
  }
};
