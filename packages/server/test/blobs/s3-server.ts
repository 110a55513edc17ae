import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CreateBucketCommand, ListMultipartUploadsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';

/** The program that `./berth test` builds. */
export const versitygw = process.env['BERTH_VERSITYGW'];

const credentials = { accessKeyId: 'berth', secretAccessKey: 'not-a-secret' };
const region = 'us-east-1';

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

/** A real server that speaks S3, over a directory of its own, with one bucket. */
export interface S3Server {
  /** As `BERTH_BLOBS` names it. */
  readonly place: string;
  /** Keys of objects, and of uploads that are not complete. */
  readonly kept: () => Promise<string[]>;
  readonly stop: () => Promise<void>;
  /** Begins again on the same port, with what it had. */
  readonly start: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** Starts one. Its credentials are put where Amazon's tools look for them, in the environment of this process. */
export const startS3Server = async (program: string): Promise<S3Server> => {
  const directory = await mkdtemp(join(tmpdir(), 'berth-s3-'));
  const [data, metadata] = [join(directory, 'data'), join(directory, 'metadata')];
  await Promise.all([mkdir(data), mkdir(metadata)]);
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  process.env['AWS_ACCESS_KEY_ID'] = credentials.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = credentials.secretAccessKey;
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  let child: ReturnType<typeof spawn> | undefined;
  const start = async (): Promise<void> => {
    const words = ['--port', `127.0.0.1:${port}`, '--access', credentials.accessKeyId, '--secret'];
    const options = [credentials.secretAccessKey, '--region', region, '--quiet', 'posix', '--sidecar', metadata, data];
    child = spawn(program, [...words, ...options], { stdio: 'ignore' });
    for (;;) {
      const answers = await fetch(endpoint).then(
        () => true,
        () => false,
      );
      if (answers) {
        return;
      }
      if (child.exitCode !== null) {
        throw new Error(`versitygw ended with ${child.exitCode}`);
      }
      await pause(50);
    }
  };
  const stop = async (): Promise<void> => {
    const ended = new Promise((resolve) => child?.once('exit', resolve));
    if (child !== undefined && child.exitCode === null && child.kill('SIGKILL')) {
      await ended;
    }
  };
  await start();
  await client.send(new CreateBucketCommand({ Bucket: 'berth' }));
  return {
    place: `s3://berth/some/prefix?endpoint=${encodeURIComponent(endpoint)}&region=${region}`,
    kept: async () => {
      const objects = await client.send(new ListObjectsV2Command({ Bucket: 'berth' }));
      const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket: 'berth' }));
      return [...(objects.Contents ?? []), ...(uploads.Uploads ?? [])].map(({ Key }) => Key ?? '');
    },
    start,
    stop,
    remove: async () => {
      client.destroy();
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
};
