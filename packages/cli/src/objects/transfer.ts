import { spawn } from 'node:child_process';
import { createReadStream, createWriteStream, renameSync, rmSync, statSync } from 'node:fs';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ApiClient } from '../http/client.ts';
import { CommandFailure } from '../output/failure.ts';
import { startProgress } from '../output/progress.ts';

/** Bytes to send, and how many, where that is known. */
interface Source {
  readonly stream: Readable;
  readonly sizeBytes: number | undefined;
  /** Rejects when the bytes are not the whole thing. */
  readonly whole: Promise<void>;
}

const ofFile = (path: string): Source => ({
  stream: createReadStream(path, { highWaterMark: 1024 * 1024 }),
  sizeBytes: statSync(path).size,
  whole: Promise.resolve(),
});

/** A directory as a compressed archive, made while it is sent. */
const ofDirectory = (path: string): Source => {
  const archive = spawn('tar', ['-C', path, '-czf', '-', '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const whole = new Promise<void>((resolve, reject) => {
    archive.once('error', reject);
    archive.once('close', (status) =>
      status === 0 ? resolve() : reject(new CommandFailure(`tar could not pack ${path}`)),
    );
  });
  whole.catch(() => undefined);
  return { stream: archive.stdout, sizeBytes: undefined, whole };
};

/** `undefined` when nothing is there. */
export const isDirectory = (path: string): boolean | undefined =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory();

/**
 * The URL with the address by which the API itself is reached: what a server says of itself need not be so from here, and what is signed is
 * the rest.
 */
const reachable = (client: ApiClient, url: string): URL => {
  const { pathname, search } = new URL(url);
  const isOwn = pathname.includes('/v1/objects/');
  return isOwn
    ? new URL(pathname.slice(pathname.indexOf('/v1/objects/')) + search, client.endpoint.baseUrl)
    : new URL(url);
};

/**
 * Sends a file, or a directory as a compressed archive.
 * @returns bytes sent
 */
export const uploadTo = async (
  client: ApiClient,
  target: { readonly url: string; readonly headers: Readonly<Record<string, string>> },
  path: string,
  name: string,
): Promise<number> => {
  const source = isDirectory(path) === true ? ofDirectory(path) : ofFile(path);
  const progress = startProgress(name, source.sizeBytes);
  let sentBytes = 0;
  const body = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of source.stream as AsyncIterable<Uint8Array>) {
      sentBytes += piece.byteLength;
      progress.add(piece.byteLength);
      yield piece;
    }
    await source.whole;
  };
  try {
    const stream = Readable.toWeb(Readable.from(body(), { objectMode: false })) as ReadableStream<Uint8Array>;
    const length = source.sizeBytes === undefined ? {} : { 'content-length': String(source.sizeBytes) };
    const init = { method: 'PUT', headers: { ...target.headers, ...length }, body: stream, duplex: 'half' as const };
    await answered(await fetch(reachable(client, target.url), init), 'upload');
    return sentBytes;
  } finally {
    progress.end();
  }
};

/**
 * Fetches into a file, which appears whole or not at all, or to the standard output for `-`.
 * @returns bytes received
 */
export const downloadFrom = async (client: ApiClient, url: string, to: string, name: string): Promise<number> => {
  const response = await answered(await fetch(reachable(client, url)), 'download');
  const length = response.headers.get('content-length');
  const progress = startProgress(name, length === null ? undefined : Number(length));
  let receivedBytes = 0;
  const count = new Transform({
    transform(piece: Uint8Array, _encoding, done) {
      receivedBytes += piece.byteLength;
      progress.add(piece.byteLength);
      done(null, piece);
    },
  });
  const body = response.body === null ? Readable.from([]) : Readable.fromWeb(response.body);
  const temporary = `${to}.partial-${process.pid}`;
  try {
    if (to === '-') {
      await pipeline(body, count, process.stdout, { end: false });
    } else {
      await pipeline(body, count, createWriteStream(temporary));
      renameSync(temporary, to);
    }
    return receivedBytes;
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new CommandFailure(`the download broke off: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    progress.end();
  }
};

const answered = async (response: Response, what: string): Promise<Response> => {
  if (!response.ok) {
    const text = (await response.text()).slice(0, 500);
    throw new CommandFailure(`the ${what} was refused with status ${response.status}: ${text}`);
  }
  return response;
};
