import type { BlobStore } from './blob-store.ts';
import { DirectoryStore } from './directory-store.ts';
import { S3Store } from './s3-store.ts';

/** The store at a place: an absolute directory, or `s3://bucket/prefix?endpoint=https://…&region=…`. Does no I/O yet. Throws for anything else. */
export const openBlobStore = (place: string): BlobStore => {
  if (place.startsWith('/')) {
    return new DirectoryStore(place);
  }
  const url = URL.parse(place);
  if (url?.protocol !== 's3:' || url.hostname === '') {
    throw new Error(`not a place for blobs: ${place}; give a directory, or s3://bucket/prefix`);
  }
  const prefix = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '');
  const endpoint = url.searchParams.get('endpoint');
  const region = url.searchParams.get('region');
  return new S3Store({
    bucket: url.hostname,
    prefix: prefix === '' ? '' : `${prefix}/`,
    ...(endpoint === null ? {} : { endpoint }),
    ...(region === null ? {} : { region }),
  });
};
