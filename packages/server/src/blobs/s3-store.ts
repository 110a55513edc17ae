import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { type BlobInfo, BlobMissing, type BlobStore } from './blob-store.ts';
import { Tally } from './checksum.ts';
import { parts } from './parts.ts';
import { isMissing, translateS3Error } from './s3-errors.ts';

export interface S3Place {
  readonly bucket: string;
  /** Begins every key; empty, or ends with a slash. */
  readonly prefix: string;
  /** URL of another server than Amazon's. */
  readonly endpoint?: string;
  readonly region?: string;
}

/** S3 takes 10,000 parts of one object: 156 GiB at this size. */
const partBytes = 16 * 1024 * 1024;

type Sdk = typeof import('@aws-sdk/client-s3');

/**
 * Blobs as objects of a bucket. What fits into one part is put at once; more goes up in parts that become an object together, at the end. Keys
 * and credentials are found as Amazon's own tools find them (`AWS_ACCESS_KEY_ID`, …).
 */
export class S3Store implements BlobStore {
  readonly #place: S3Place;
  #opened: Promise<{ readonly sdk: Sdk; readonly client: S3Client }> | undefined;

  constructor(place: S3Place) {
    this.#place = place;
  }

  async write(key: string, content: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<BlobInfo> {
    const tally = new Tally();
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      for await (const piece of content) {
        signal?.throwIfAborted();
        tally.add(piece);
        yield piece;
      }
    };
    const pieces = parts(counted(), partBytes);
    const first = await pieces.next();
    const body = first.done === true ? Buffer.alloc(0) : first.value;
    if (body.byteLength < partBytes) {
      await this.#call(({ sdk, client }) => client.send(new sdk.PutObjectCommand({ ...this.#at(key), Body: body })));
    } else {
      await this.#putParts(key, body, pieces);
    }
    return { sizeBytes: tally.sizeBytes, checksum: tally.checksum };
  }

  async read(key: string): Promise<{ readonly sizeBytes: number; readonly content: AsyncIterable<Uint8Array> }> {
    const found = await this.#call(({ sdk, client }) => client.send(new sdk.GetObjectCommand(this.#at(key)))).catch(
      (error: unknown) => {
        throw isMissing(error) ? new BlobMissing(`no blob ${key}`, { cause: error }) : error;
      },
    );
    const { Body: body, ContentLength: sizeBytes } = found;
    if (!(body instanceof Readable) || sizeBytes === undefined) {
      throw new Error(`S3 answered without content or length for ${key}`);
    }
    return { sizeBytes, content: translated(body) };
  }

  async remove(key: string): Promise<void> {
    const { bucket, prefix } = this.#place;
    await this.#call(async ({ sdk, client }) => {
      const wish = { Bucket: bucket, Prefix: `${prefix}${key}` };
      const { Uploads: uploads = [] } = await client.send(new sdk.ListMultipartUploadsCommand(wish));
      for (const { Key: uploadKey, UploadId: uploadId } of uploads) {
        await client.send(new sdk.AbortMultipartUploadCommand({ Bucket: bucket, Key: uploadKey, UploadId: uploadId }));
      }
      await client.send(new sdk.DeleteObjectCommand(this.#at(key)));
    });
  }

  async close(): Promise<void> {
    (await this.#opened)?.client.destroy();
  }

  async #putParts(key: string, first: Uint8Array, rest: AsyncIterable<Uint8Array>): Promise<void> {
    const at = this.#at(key);
    const { UploadId: uploadId } = await this.#call(({ sdk, client }) =>
      client.send(new sdk.CreateMultipartUploadCommand(at)),
    );
    const done: Array<{ readonly PartNumber: number; readonly ETag: string | undefined }> = [];
    const put = async (body: Uint8Array, partNumber: number): Promise<void> => {
      const part = { ...at, UploadId: uploadId, PartNumber: partNumber, Body: body };
      const { ETag: tag } = await this.#call(({ sdk, client }) => client.send(new sdk.UploadPartCommand(part)));
      done.push({ PartNumber: partNumber, ETag: tag });
    };
    let number = 1;
    let underWay = put(first, number);
    // The error shows at the next await.
    underWay.catch(() => undefined);
    try {
      for await (const body of rest) {
        await underWay;
        number += 1;
        underWay = put(body, number);
        underWay.catch(() => undefined);
      }
      await underWay;
      const whole = { ...at, UploadId: uploadId, MultipartUpload: { Parts: done } };
      await this.#call(({ sdk, client }) => client.send(new sdk.CompleteMultipartUploadCommand(whole)));
    } catch (error) {
      await underWay.catch(() => undefined);
      await this.#call(({ sdk, client }) =>
        client.send(new sdk.AbortMultipartUploadCommand({ ...at, UploadId: uploadId })),
      ).catch(() => undefined);
      throw error;
    }
  }

  #at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#place.bucket, Key: `${this.#place.prefix}${key}` };
  }

  async #call<Result>(
    act: (opened: { readonly sdk: Sdk; readonly client: S3Client }) => Promise<Result>,
  ): Promise<Result> {
    this.#opened ??= this.#open();
    try {
      return await act(await this.#opened);
    } catch (error) {
      throw translateS3Error(error);
    }
  }

  /** Loaded only where blobs are kept so: it is large. */
  async #open(): Promise<{ readonly sdk: Sdk; readonly client: S3Client }> {
    const { endpoint, region } = this.#place;
    const sdk = await import('@aws-sdk/client-s3');
    const client = new sdk.S3Client({
      ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
      ...(region === undefined ? {} : { region }),
      // Other servers do not all know the newer checksums; Berth has one of its own over the whole content.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
    return { sdk, client };
  }
}

async function* translated(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* content;
  } catch (error) {
    throw translateS3Error(error);
  }
}
