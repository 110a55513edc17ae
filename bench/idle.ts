/** Host memory of idle boxes, all told (MemAvailable before and after, every box answering), and the guest's private share. Goals: ≤ 2.5 MiB, guest ≤ 1 MiB; 500 at once. */
import { readdir, readFile } from 'node:fs/promises';
import { connect } from './support/client.ts';
import { createRunning, execute, shutdown } from './support/devbox.ts';
import { report, summarize } from './support/stats.ts';

const count = Number(process.env.COUNT ?? 500);
const parallel = Number(process.env.PARALLEL ?? 4);

const availableBytes = async (): Promise<number> => {
  const text = await readFile('/proc/meminfo', 'utf8');
  const kib = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(text)?.[1] ?? 0);
  return kib('MemAvailable') * 1024;
};

/** Private bytes of each process that runs the guest binary. */
const guestPrivateBytes = async (): Promise<number[]> => {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.startsWith('/.berth/guest')) {
      const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
      const kib = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(rollup)?.[1] ?? 0);
      found.push((kib('Private_Clean') + kib('Private_Dirty')) * 1024);
    }
  }
  return found;
};

const client = connect(parallel * 2);
const ids: string[] = [];
try {
  const warm = await createRunning(client);
  await shutdown(client, warm);
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const before = await availableBytes();
  const start = performance.now();
  const maker = async (): Promise<void> => {
    while (ids.length < count) {
      ids.push('');
      const slot = ids.length - 1;
      ids[slot] = await createRunning(client);
    }
  };
  await Promise.all(Array.from({ length: parallel }, maker));
  const seconds = (performance.now() - start) / 1000;
  await new Promise((resolve) => setTimeout(resolve, 5000));
  const used = before - (await availableBytes());
  const guests = summarize(await guestPrivateBytes());
  let answering = 0;
  for (const id of ids) {
    answering += (await execute(client, id, 'true')) === 0 ? 1 : 0;
  }
  report('idle boxes', {
    count,
    answering,
    'created in s': seconds,
    'MiB each, all told': used / count / 2 ** 20,
    'guest private MiB P50': guests.p50 / 2 ** 20,
    ratio: used / count / 2 ** 20 / 2.5,
  });
} finally {
  await Promise.all(ids.filter((id) => id !== '').map((id) => shutdown(client, id)));
  client.close();
}
