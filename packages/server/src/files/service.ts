import type { Readable } from 'node:stream';
import { filePath } from '@berth/contract';
import type { Host } from '@berth/host/contract';
import type { ActivityTracker } from '../devboxes/activity.ts';
import type { DevboxDirectory, DevboxEntry } from '../devboxes/directory.ts';
import { callHost, streamFromHost } from '../devboxes/host-calls.ts';
import { apiError } from '../errors/api-error.ts';
import type { BytesAnswer } from '../http/route.ts';
import { validate } from '../http/validation.ts';
import { readUploadForm } from './multipart.ts';
import { type SpooledContent, spool } from './spool.ts';

export interface FileParts {
  readonly host: Host;
  readonly directory: DevboxDirectory;
  readonly activity: ActivityTracker;
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  if (text !== '') {
    yield Buffer.from(text);
  }
}

/** Files of boxes, with the rights of the box's user (API §5). Contents stream; nothing is kept whole. */
export class FileService {
  readonly #parts: FileParts;

  constructor(parts: FileParts) {
    this.#parts = parts;
  }

  /** The file's bytes. Errors of opening it are thrown before the first byte. */
  async read(account: string, devboxId: string, path: string, signal: AbortSignal): Promise<BytesAnswer> {
    const box = await this.#use(account, devboxId);
    const { host } = this.#parts;
    const { body } = await callHost({ devboxId, path }, () => host.readFile(devboxId, path, {}, signal));
    // No length is promised: the file may grow or shrink while it is read, and those of /proc say 0.
    return { chunks: this.#counting(box, streamFromHost({ devboxId, path }, body)) };
  }

  /** Writes the text as the whole content of the file; missing directories are made. */
  async writeText(account: string, devboxId: string, path: string, text: string): Promise<void> {
    const box = await this.#use(account, devboxId);
    await this.#write(box, path, once(text), undefined);
  }

  /** Writes the file of a multipart form. The file appears whole or not at all. */
  async upload(
    account: string,
    devboxId: string,
    request: { readonly body: Readable; readonly contentType: string | undefined; readonly signal: AbortSignal },
  ): Promise<void> {
    const contentType = request.contentType ?? 'none';
    if (!/^multipart\/form-data\b/i.test(contentType)) {
      throw apiError('unsupportedMediaType', {
        contentType: contentType.slice(0, 100),
        expected: 'multipart/form-data',
      });
    }
    const box = await this.#use(account, devboxId);
    let path: string | undefined;
    let kept: { readonly content: SpooledContent; readonly name: string | undefined } | undefined;
    try {
      await readUploadForm(request.body, contentType, {
        onPath: (value) => {
          path ??= validate(filePath, value);
        },
        onFile: async (content, name) => {
          if (path === undefined) {
            kept = { content: await spool(content), name };
          } else {
            await this.#write(box, path, this.#counting(box, content), name, request.signal);
          }
        },
      });
      if (path === undefined) {
        throw apiError('uploadIncomplete', { problem: 'the part path is missing' });
      }
      if (kept !== undefined) {
        await this.#write(box, path, kept.content.read(), kept.name, request.signal);
      }
    } finally {
      await kept?.content.remove();
    }
  }

  async #use(account: string, devboxId: string): Promise<DevboxEntry> {
    const box = await this.#parts.directory.requireRunning(account, devboxId);
    this.#parts.activity.touch(box);
    return box;
  }

  #write(
    box: DevboxEntry,
    path: string,
    content: AsyncIterable<Uint8Array>,
    name: string | undefined,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const { host } = this.#parts;
    const nameInDirectory =
      name === undefined || name === '.' || name === '..' || name.includes('/') ? undefined : name;
    const options = { makeParents: true, ...(nameInDirectory === undefined ? {} : { nameInDirectory }) };
    return callHost({ devboxId: box.id, path }, () => host.writeFile(box.id, path, content, options, signal));
  }

  /** A transfer is activity for as long as it goes on. */
  async *#counting(box: DevboxEntry, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      this.#parts.activity.touch(box);
      yield chunk;
    }
  }
}
