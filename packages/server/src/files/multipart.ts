import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { Busboy, type BusboyFileStream, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';
import { apiError } from '../errors/api-error.ts';
import { Interruption } from './interruption.ts';

/** What the form brings, as it arrives. */
export interface UploadForm {
  /** The part `path`. */
  readonly onPath: (path: string) => void;
  /** The part `file`; the form goes on once the promise is resolved. `name` is what the client calls the file. */
  readonly onFile: (content: AsyncIterable<Uint8Array>, name: string | undefined) => Promise<void>;
}

/** A sender that sends nothing for this long is given up. */
const stallTimeoutMs = 60_000;
/** Bytes of the file that may wait for who takes them before the parser is held up, which costs more than a piece of it. */
const fileHwm = 256 * 1024;
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

/** Feeds the parser as fast as it takes, and fails when the sender stalls. */
const pump = async (source: Readable, parser: BusboyInstance, interruption: Interruption): Promise<void> => {
  const chunks: AsyncIterator<Buffer> = source[Symbol.asyncIterator]();
  let isReading = true;
  const stall = setInterval(() => isReading && interruption.fail(apiError('requestTimeout')), stallTimeoutMs);
  try {
    for (;;) {
      isReading = true;
      stall.refresh();
      const next = await interruption.wait(chunks.next());
      isReading = false;
      if (next.done === true) {
        break;
      }
      if (!parser.write(next.value)) {
        await interruption.wait(once(parser, 'drain'));
      }
    }
  } finally {
    clearInterval(stall);
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
    parser = new Busboy({ headers, limits, fileHwm, isPartAFile: (field) => field === 'file' });
  } catch (error) {
    throw incomplete(error instanceof Error ? error.message : 'unreadable', error);
  }
  const interruption = new Interruption();
  let file: { readonly stream: BusboyFileStream; readonly done: Promise<void> } | undefined;

  parser.on('field', (name, value, _nameTruncated, valueTruncated) => {
    if (name !== 'path') {
      return;
    }
    // What a listener throws would not reach the caller but end the process.
    try {
      if (valueTruncated) {
        throw incomplete('the part path is too long');
      }
      form.onPath(value);
    } catch (error) {
      interruption.fail(error);
    }
  });
  parser.on('file', (_field, stream, name) => {
    // Without a listener, the early end of a part would be an uncaught error; whoever reads the stream gets it too.
    stream.on('error', () => undefined);
    const done = form.onFile(stream, name === '' ? undefined : name);
    done.catch((error: unknown) => interruption.fail(error));
    file = { stream, done };
  });
  for (const event of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) {
    parser.on(event, () => interruption.fail(incomplete('it has too many parts')));
  }
  parser.on('error', (error) =>
    interruption.fail(incomplete(error instanceof Error ? error.message : String(error), error)),
  );
  const finished = once(parser, 'finish');
  finished.catch(() => undefined);
  try {
    await pump(source, parser, interruption);
    await interruption.wait(finished);
    if (file === undefined) {
      throw incomplete('the part file is missing');
    }
    await interruption.wait(file.done);
  } catch (error) {
    file?.stream.destroy(error instanceof Error ? error : new Error(String(error)));
    await file?.done.catch(() => undefined);
    parser.destroy();
    throw error;
  }
};
