import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import {
  encodeCredit,
  encodeDataHeader,
  encodeEof,
  encodeFrame,
  encodeHello,
  encodeStatus,
  FrameType,
  StatusPhase,
} from '@berth/guest/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bench, spec } from './harness.ts';
import { ScriptedGuest } from './scripted-guest.ts';

const data = (streamId: number, offset: number, bytes: Buffer, channel: 1 | 2 = 1): Buffer =>
  Buffer.concat([encodeDataHeader(streamId, channel, offset, bytes.length), bytes]);

/** A guest that breaks the rules on purpose, at a host that must hold. */
describe('a hostile guest', () => {
  let bench: Bench;
  let guest: ScriptedGuest;

  beforeEach(async () => {
    bench = await Bench.start((path) => {
      guest = new ScriptedGuest(path);
      guest.dial();
      return guest;
    });
  });
  afterEach(() => bench.stop());

  const openExec = async (): Promise<number> => {
    const one = spec('sleep 30');
    await bench.box.execute(one);
    await expect.poll(() => guest.byExecution.get(one.executionId)?.id).toBeGreaterThan(0);
    return guest.byExecution.get(one.executionId)?.id ?? 0;
  };

  it.each([
    ['a gap in the output', (id: number) => data(id, 5, Buffer.from('x'))],
    ['an end before the bytes', (id: number) => encodeEof(id, 1, 7)],
    ['bytes after the end', (id: number) => Buffer.concat([encodeEof(id, 1, 0), data(id, 0, Buffer.from('x'))])],
    ['a stream that was never opened', (id: number) => data(id + 1_000, 0, Buffer.from('x'))],
    ['credit for what was not sent', (id: number) => encodeCredit(id, 0, 9, 99)],
    ['a malformed message', (id: number) => encodeFrame(FrameType.status, id, Buffer.from('ffffffff', 'hex'))],
    ['READY twice', () => encodeFrame(FrameType.ready, 0)],
    ['an OPEN of its own', (id: number) => encodeFrame(FrameType.open, id)],
    [
      'an exit code no kernel reports',
      (id: number) =>
        encodeFrame(
          FrameType.status,
          id,
          encodeStatus({ phase: StatusPhase.FINISHED, exit: { how: { case: 'code', value: 256 } } }),
        ),
    ],
  ])('loses its connection for %s, and its box goes on', async (_name, spoil) => {
    const id = await openExec();
    const before = guest.connections;
    guest.raw(spoil(id));
    await expect.poll(() => guest.connections).toBe(before + 1);
    expect((await bench.run('echo fine')).stdout.text).toBe('fine\n');
    expect(bench.breaches).toEqual([]);
  });

  it('is reported at the fifth breach within a minute', async () => {
    for (let breach = 1; breach <= 5; breach += 1) {
      expect(bench.breaches).toEqual([]);
      const before = guest.connections;
      await expect.poll(() => bench.box.connected).toBe(true);
      guest.raw(encodeFrame(FrameType.open, 1));
      await expect.poll(() => guest.connections).toBe(before + 1);
    }
    await expect.poll(() => bench.breaches).toEqual(['frame type 3 from a guest']);
    expect((await bench.box.logs({})).map((entry) => entry.level)).toContain('warn');
  });

  it('can not keep the place of the guest by dialling without a word', async () => {
    const sockets = Array.from({ length: 20 }, () => connect(bench.socketPath));
    for (const socket of sockets) {
      socket.on('error', () => undefined);
    }
    expect((await bench.run('echo fine')).stdout.text).toBe('fine\n');
    for (const socket of sockets) {
      socket.destroy();
    }
  });

  it('is refused with bytes that are no frames, a wrong version, a short boot id', async () => {
    const refused = (bytes: Uint8Array): Promise<void> =>
      new Promise((resolve) => {
        const socket = connect(bench.socketPath, () => socket.write(bytes));
        socket.on('error', () => undefined);
        socket.on('close', () => resolve());
      });
    await refused(randomBytes(64).fill(0xff, 0, 4));
    await refused(
      encodeFrame(FrameType.hello, 0, encodeHello({ protocolMin: 9, protocolMax: 9, bootId: randomBytes(16) })),
    );
    await refused(
      encodeFrame(FrameType.hello, 0, encodeHello({ protocolMin: 1, protocolMax: 1, bootId: randomBytes(3) })),
    );
    await refused(encodeFrame(FrameType.ready, 0));
    expect((await bench.run('echo fine')).stdout.text).toBe('fine\n');
  });

  it('that started anew has lost what ran', async () => {
    const one = spec('sleep 30');
    await bench.box.execute(one);
    await expect.poll(() => guest.byExecution.has(one.executionId)).toBe(true);
    guest.streams.clear();
    guest.bootId = randomBytes(16);
    guest.drop();
    const view = await bench.box.waitExecution(one.executionId, {
      until: ['completed'],
      timeoutMs: 9_000,
      lastLines: 1,
    });
    expect(view.end).toEqual({ kind: 'lost', reason: 'the guest started anew' });
    expect(bench.box.configured).toBe(false);
  });

  it('that forgot an execution does not get to run it again', async () => {
    const one = spec('sleep 30');
    await bench.box.execute(one);
    const wait = { timeoutMs: 9_000, lastLines: 1 };
    await bench.box.waitExecution(one.executionId, { until: ['running'], ...wait });
    await expect.poll(() => guest.byExecution.has(one.executionId)).toBe(true);
    await bench.run('true');
    const started = guest.started.length;
    guest.byExecution.get(one.executionId)?.onSignal?.(9);
    guest.streams.clear();
    guest.byExecution.clear();
    guest.drop();
    const view = await bench.box.waitExecution(one.executionId, { until: ['completed'], ...wait });
    expect(view.end?.kind).toBe('lost');
    expect(guest.started).toHaveLength(started);
  });

  it('starts once what was sent into a dying connection', async () => {
    let swallowed = 0;
    guest.intercept = (type) => {
      if (type !== FrameType.open) {
        return false;
      }
      swallowed += 1;
      guest.intercept = undefined;
      guest.drop();
      return true;
    };
    const view = await bench.run('echo once');
    expect([view.stdout.text, swallowed, guest.started]).toEqual(['once\n', 1, ['echo once']]);
  });

  it('listing streams that nobody opened has them closed', async () => {
    const before = guest.connections;
    const status = encodeStatus({ phase: StatusPhase.RUNNING, executionId: 'stranger' });
    const closed: number[] = [];
    guest.intercept = (type, streamId) => {
      if (type === FrameType.hello) {
        guest.raw(encodeFrame(FrameType.status, 77, status));
      }
      if (type === FrameType.close) {
        closed.push(streamId);
      }
      return false;
    };
    guest.drop();
    await expect.poll(() => guest.connections).toBe(before + 1);
    await expect.poll(() => closed).toContain(77);
  });

  it('asking without listening is held back', async () => {
    const ping = encodeFrame(FrameType.ping, 0, Buffer.alloc(8));
    const pings = Buffer.concat(Array.from({ length: 10_000 }, () => ping));
    const socket = connect(bench.socketPath);
    socket.on('error', () => undefined);
    socket.pause();
    socket.write(
      encodeFrame(FrameType.hello, 0, encodeHello({ protocolMin: 1, protocolMax: 1, bootId: guest.bootId })),
    );
    socket.write(encodeFrame(FrameType.ready, 0));
    let sent = 0;
    for (; sent < 1_000 && socket.write(pings); sent += 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(socket.writableNeedDrain).toBe(true);
    socket.destroy();
    expect((await bench.run('echo fine')).stdout.text).toBe('fine\n');
  });
});

describe('the limits of the spool', () => {
  let bench: Bench;
  afterEach(() => bench.stop());

  it('hold a process that writes without end, until it is killed', async () => {
    bench = await Bench.start(
      (path) => {
        const guest = new ScriptedGuest(path);
        guest.dial();
        return guest;
      },
      { maxOutputBytesPerBox: 1_000_000 },
    );
    const one = spec('cat /dev/zero');
    await bench.box.execute(one);
    await expect
      .poll(async () =>
        (await bench.box.logs({})).some((entry) => entry.message?.includes('space for output') === true),
      )
      .toBe(true);
    const view = await bench.box.execution(one.executionId, 0);
    expect(view.status).toBe('running');
    expect(view.stdoutBytes).toBeLessThanOrEqual(1_000_000);
    await bench.box.kill(one.executionId);
    const ended = await bench.box.waitExecution(one.executionId, {
      until: ['completed'],
      timeoutMs: 9_000,
      lastLines: 0,
    });
    expect(ended.end).toEqual({ kind: 'killed', signal: 9, by: 'host' });
  });

  it('keep few files open, however many executions write', async () => {
    bench = await Bench.start(
      (path) => {
        const guest = new ScriptedGuest(path);
        guest.dial();
        return guest;
      },
      { maxOpenFiles: 4 },
    );
    const views = await Promise.all(
      Array.from({ length: 12 }, (_, index) => bench.run(`echo ${index}; sleep 0.1; echo more`)),
    );
    expect(bench.spool.pool.size).toBeLessThanOrEqual(5);
    expect(views.map((view) => view.stdout.text)).toEqual(views.map((_, index) => `${index}\nmore\n`));
  });
});
