import { join } from 'node:path';
import { onAllProcessors } from './all-processors.ts';
import { hold, runscPeer } from './runsc.ts';
import { timeMs } from './stats.ts';

/** What plain runsc takes, in milliseconds, to restore COUNT containers out of one image that holds `memoryBytes`, when each processor has one under way all the time. */
export async function runscRestoresMs(count: number, memoryBytes: number): Promise<number> {
  const peer = await runscPeer(1, join(process.env['BERTH_STATE'] ?? '/var/lib/berth', 'volume'));
  const names = Array.from({ length: count }, (_, index) => `wake${String(index).padStart(4, '0')}`);
  const image = join(peer.images, 'held');
  try {
    await peer.prepare('held0000');
    await peer.run('held0000');
    await hold(peer, 'held0000', memoryBytes);
    await peer.pause('held0000');
    await peer.checkpoint('held0000', image);
    await peer.remove('held0000');
    for (const name of names) {
      await peer.prepare(name);
    }
    return await timeMs(() => onAllProcessors(names, (name) => peer.restore(name, image)));
  } finally {
    for (const name of ['held0000', ...names]) {
      await peer.remove(name);
    }
    await peer.close();
  }
}
