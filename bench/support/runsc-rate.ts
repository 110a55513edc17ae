import { onAllProcessors } from './all-processors.ts';
import { runscPeer } from './runsc.ts';
import { timeMs } from './stats.ts';

const BOXES = 24;

/** Boxes a second that plain `runsc run` starts when each processor has one under way all the time. */
export async function runscRate(): Promise<number> {
  const peer = await runscPeer(1);
  const names = Array.from({ length: BOXES }, (_, index) => `rate${String(index).padStart(4, '0')}`);
  try {
    for (const name of names) {
      await peer.prepare(name);
    }
    const [first = '', ...waiting] = names;
    // It makes what the others share.
    await peer.run(first);
    const tookMs = await timeMs(() => onAllProcessors(waiting, (name) => peer.run(name)));
    return (BOXES - 1) / (tookMs / 1000);
  } finally {
    for (const name of names) {
      await peer.remove(name);
    }
    await peer.close();
  }
}
