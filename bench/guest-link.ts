/**
 * The guest link alone, with the real guest as an ordinary process on this machine: transfers against `cat` through a Unix socket, executions
 * one by one and 32 at a time. BERTH_GUEST_BINARY names the guest.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openGuestBox } from '../packages/host/src/link/open-guest-box.ts';
import { openHostDatabase } from '../packages/host/src/spool/database.ts';
import { Spool } from '../packages/host/src/spool/spool.ts';
import { report, summarize, timeMs } from './support/stats.ts';

const MiB = 1024 * 1024;
const sizeBytes = Number(process.env.SIZE_MIB ?? 512) * MiB;
const folder = mkdtempSync(join(tmpdir(), 'berth-link-bench-'));
const file = join(folder, 'file');
const block = Buffer.alloc(4 * MiB, 'x');

/** `cat` into a Unix socket that this process reads. */
const catMs = async (): Promise<number> => {
  const path = join(folder, 'cat.sock');
  let received = 0;
  const server = createServer((incoming) => {
    incoming.on('data', (bytes) => {
      received += bytes.length;
    });
    incoming.on('end', () => server.close());
  });
  server.listen(path);
  await once(server, 'listening');
  const socket = connect(path);
  await once(socket, 'connect');
  const took = await timeMs(async () => {
    spawn('cat', [file], { stdio: ['ignore', socket, 'inherit'] });
    socket.destroy();
    await once(server, 'close');
  });
  if (received !== sizeBytes) {
    throw new Error(`cat brought ${received} bytes`);
  }
  return took;
};

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const startGuest = (linkPath: string): ChildProcess => {
  const etc = join(folder, 'etc');
  mkdirSync(etc);
  for (const name of ['passwd', 'group', 'hosts', 'resolv.conf']) {
    writeFileSync(join(etc, name), '');
  }
  return spawn(process.env.BERTH_GUEST_BINARY ?? '', [], {
    env: { BERTH_HOST_SOCKET: linkPath, BERTH_ETC: etc },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
};

const database = openHostDatabase(join(folder, 'host.sqlite'));
const spool = new Spool({ directory: join(folder, 'spool'), database });
const socketPath = join(folder, 'host.sock');
const box = openGuestBox({ boxId: 'bench', socketPath, spool });
await box.listen();
const guest = startGuest(socketPath);
let executions = 0;
const run = async (command: string): Promise<void> => {
  executions += 1;
  const spec = { executionId: `e${executions}`, origin: 'exec', command } as const;
  await box.executeAndWait(spec, { timeoutMs: 60_000, lastLines: 10 });
};
async function* blocks(): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < sizeBytes; sent += block.length) {
    yield block;
  }
}

try {
  await box.configure({
    hostname: 'bench',
    environment: { PATH: process.env.PATH ?? '' },
    user: { name: 'root', uid: 0, gid: 0, home: folder },
    nameservers: [],
    hosts: [],
    memoryBytes: 1024 * MiB,
    machineId: '0123456789abcdef0123456789abcdef',
  });
  await box.ready;
  const figures: Record<string, number> = {};
  const rate = (ms: number): number => sizeBytes / 1e6 / ms;
  figures['write GB/s'] = rate(await timeMs(async () => void (await box.writeFile(file, blocks()))));
  const rssBefore = process.memoryUsage().rss;
  const reads: number[] = [];
  const cats: number[] = [];
  let readCpuMs = 0;
  let catCpuMs = 0;
  for (let round = 0; round < 3; round += 1) {
    const start = cpuMs();
    cats.push(await catMs());
    const middle = cpuMs();
    reads.push(
      await timeMs(async () => {
        for await (const _ of (await box.readFile(file)).body) {
          // counted by the file's size
        }
      }),
    );
    catCpuMs += middle - start;
    readCpuMs += cpuMs() - middle;
  }
  figures['read GB/s'] = rate(summarize(reads).p50);
  figures['cat GB/s'] = rate(summarize(cats).p50);
  figures['read/cat'] = summarize(cats).p50 / summarize(reads).p50;
  // on a busy machine the processor time of this process tells more than the clock
  figures['read/cat by own CPU'] = catCpuMs / readCpuMs;
  figures['output GB/s'] = 100e6 / 1e6 / (await timeMs(() => run('head -c 100000000 /dev/zero')));
  figures['rss growth MiB'] = (process.memoryUsage().rss - rssBefore) / MiB;
  const one: number[] = [];
  for (let count = 0; count < 200; count += 1) {
    one.push(await timeMs(() => run('true')));
  }
  figures['exec P50 ms'] = summarize(one).p50;
  const many = 640;
  const manyMs = await timeMs(async () => {
    const worker = async (): Promise<void> => {
      for (let count = 0; count < many / 32; count += 1) {
        await run('true');
      }
    };
    await Promise.all(Array.from({ length: 32 }, worker));
  });
  figures['exec/s at 32'] = (many / manyMs) * 1000;
  report('guest link', figures);
} finally {
  guest.kill('SIGKILL');
  await box.close();
  spool.close();
  database.close();
  rmSync(folder, { recursive: true, force: true });
}
