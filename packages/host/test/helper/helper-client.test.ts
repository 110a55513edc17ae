import { describe, expect, it, onTestFinished } from 'vitest';
import { HelperClient } from '../../src/helper/helper-client.ts';
import type { HelperProcess } from '../../src/helper/helper-process.ts';
import type { HelperEvent } from '../../src/helper/protocol.ts';
import { scriptedHelper } from './scripted-helper.ts';

const usage = { path: '/x' };
const boxStart = {
  boxId: 'b',
  bundle: '/b',
  layers: [],
  upper: '/u',
  work: '/w',
  ownerBase: 1,
  runtime: [],
  runtimeDelete: [],
  pidFile: '/p',
  timeoutMs: 1,
};

async function start(body: string, onStart: (life: HelperProcess) => Promise<void> = async () => undefined) {
  const events: HelperEvent[] = [];
  const exits: string[] = [];
  const helper = new HelperClient({
    binary: await scriptedHelper(body),
    onEvent: (event) => events.push(event),
    onStart,
    onExit: (reason) => exits.push(reason),
  });
  onTestFinished(() => helper.close());
  return { helper, events, exits };
}

describe('the helper', () => {
  it('answers out of order, and says why it does not', async () => {
    const { helper, events } = await start(`
      if (command === 'subvolumeUsage') { setTimeout(() => answer({ usedBytes: 1, limitBytes: 2 }), 20); return; }
      say({ event: 'exited', boxId: 'b', pid: 7, waitStatus: null });
      refuse({ code: 'os', message: 'no room', osError: 'ENOSPC' });
    `);
    const slow = helper.call('subvolumeUsage', usage);
    await expect(helper.call('subvolumeDelete', usage)).rejects.toMatchObject({ code: 'os', osError: 'ENOSPC' });
    expect(await slow).toEqual({ usedBytes: 1, limitBytes: 2 });
    expect(events).toEqual([{ event: 'exited', boxId: 'b', pid: 7, waitStatus: null }]);
  });

  it('is started again when it dies, and asked again what may be asked twice', async () => {
    const prepared: string[] = [];
    const { helper, exits } = await start(
      `
      if (command === 'hello') { answer({ version: 'life ' + life }); return; }
      if (life < 3) { process.exit(5); }
      answer({ usedBytes: life, limitBytes: 0 });
    `,
      async (life) => {
        prepared.push((await life.call('hello', {})).version);
      },
    );
    expect(await helper.call('subvolumeUsage', usage)).toMatchObject({ usedBytes: 3 });
    expect(prepared).toEqual(['life 1', 'life 2', 'life 3']);
    expect(exits).toEqual(['exit code 5', 'exit code 5']);
  });

  it('is not asked to start a box twice', async () => {
    const { helper } = await start(`if (life === 1) { process.kill(process.pid, 'SIGKILL'); } else { answer({}); }`);
    await expect(helper.call('boxStart', boxStart)).rejects.toMatchObject({ code: 'lost' });
    await helper.call('boxStart', boxStart);
  });

  it('is replaced when it cannot be prepared', async () => {
    let lives = 0;
    const { helper } = await start(`answer({ usedBytes: life, limitBytes: 0 });`, async () => {
      if (++lives === 1) {
        throw new Error('no network');
      }
    });
    await expect(helper.started()).rejects.toThrow('no network');
    await expect
      .poll(() => helper.call('subvolumeUsage', usage).catch(() => undefined))
      .toMatchObject({ limitBytes: 0 });
    expect(lives).toBe(2);
  });

  it('that is no program is reported', async () => {
    const exits: string[] = [];
    const helper = new HelperClient({
      binary: '/nonexistent/helper',
      onEvent: () => undefined,
      onStart: async (life) => void (await life.call('hello', {})),
      onExit: (reason) => exits.push(reason),
    });
    onTestFinished(() => helper.close());
    await expect(helper.started()).rejects.toThrow(/ENOENT/);
    expect(exits[0]).toMatch(/ENOENT/);
  });
});
