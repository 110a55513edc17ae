import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { runscPeer } from './runsc.ts';
import { timeMs } from './stats.ts';

/** What plain runsc takes, in milliseconds, to restore COUNT containers out of one image that holds `memoryBytes`, when each processor has one under way all the time. */
export async function runscRestoresMs(count: number, memoryBytes: number): Promise<number> {
  const peer = await runscPeer(1, join(process.env['BERTH_STATE'] ?? '/var/lib/berth', 'volume'));
  const names = Array.from({ length: count }, (_, index) => `wake${String(index).padStart(4, '0')}`);
  const image = join(peer.images, 'held');
  try {
    await peer.prepare('held0000');
    await peer.run('held0000');
    const hold = `python3 -c "import os, time; x = os.urandom(${memoryBytes}); open('/tmp/held', 'w').close(); time.sleep(1e9)"`;
    const held = 'until test -e /tmp/held; do sleep 0.1; done';
    await peer.exec('held0000', ['sh', '-c', `setsid ${hold} >/dev/null 2>&1 & ${held}`]);
    await peer.pause('held0000');
    await peer.checkpoint('held0000', image);
    await peer.remove('held0000');
    for (const name of names) {
      await peer.prepare(name);
    }
    const waiting = [...names];
    return await timeMs(() =>
      Promise.all(
        Array.from({ length: availableParallelism() }, async () => {
          for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
            await peer.restore(name, image);
          }
        }),
      ),
    );
  } finally {
    for (const name of ['held0000', ...names]) {
      await peer.remove(name);
    }
    await peer.close();
  }
}
