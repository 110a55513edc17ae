import { spawn } from 'node:child_process';
import { access, chmod, mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A plain nginx on loopback that takes PUT and serves GET of one file, on the volume where Berth keeps the disks of its boxes. */
export interface NginxPeer {
  /** Milliseconds to store the body; with `sync`, to have it on the disk, which nginx does not wait for by itself. */
  put(body: AsyncIterable<Uint8Array>, sizeBytes: number, options?: { readonly sync: boolean }): Promise<number>;
  /** Milliseconds to read it back. */
  get(): Promise<number>;
  close(): Promise<void>;
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });

/** @param directory where the file is to lie instead */
export const nginxPeer = async (directory?: string): Promise<NginxPeer> => {
  const volume = join(process.env.BERTH_STATE ?? '/var/lib/berth', 'volume');
  const place = await access(volume).then(
    () => volume,
    () => tmpdir(),
  );
  const folder = await mkdtemp(join(directory ?? place, 'berth-bench-nginx-'));
  const port = await freePort();
  await mkdir(join(folder, 'www'));
  await chmod(folder, 0o755);
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ');
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; user root; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
     events { worker_connections 64; }
     http { access_log off; sendfile on; client_max_body_size 0; ${paths}
       server { listen 127.0.0.1:${port}; root ${folder}/www; location / { dav_methods PUT; } } }`,
  );
  const child = spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder], { stdio: 'ignore' });
  await new Promise((resolve) => setTimeout(resolve, 300));
  if (child.exitCode !== null) {
    throw new Error('nginx did not start: apt-get install nginx-light');
  }
  const agent = new Agent({ keepAlive: true });

  const exchange = (method: string, sizeBytes: number, body?: AsyncIterable<Uint8Array>): Promise<number> =>
    new Promise((resolve, reject) => {
      const start = performance.now();
      const outgoing = request(
        {
          agent,
          port,
          host: '127.0.0.1',
          method,
          path: '/big',
          headers: body === undefined ? {} : { 'content-length': sizeBytes },
        },
        (incoming) => {
          incoming.on('data', () => undefined);
          incoming.on('end', () =>
            (incoming.statusCode ?? 500) < 300
              ? resolve(performance.now() - start)
              : reject(new Error(`nginx: ${incoming.statusCode}`)),
          );
          incoming.on('error', reject);
        },
      );
      outgoing.on('error', reject);
      const send = async (): Promise<void> => {
        for await (const chunk of body ?? []) {
          if (!outgoing.write(chunk)) {
            await new Promise((drained) => outgoing.once('drain', drained));
          }
        }
        outgoing.end();
      };
      send().catch(reject);
    });

  return {
    put: async (body, sizeBytes, options) => {
      const start = performance.now();
      await exchange('PUT', sizeBytes, body);
      if (options?.sync === true) {
        const file = await open(join(folder, 'www/big'), 'r+');
        await file.datasync();
        await file.close();
      }
      return performance.now() - start;
    },
    get: () => exchange('GET', 0),
    close: async () => {
      agent.destroy();
      child.kill('SIGTERM');
      await new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve(undefined)));
      await rm(folder, { recursive: true, force: true });
    },
  };
};
