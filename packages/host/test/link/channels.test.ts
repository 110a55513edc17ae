import { ProtocolBreach } from '@berth/guest/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReceiveChannel } from '../../src/link/receive-channel.ts';
import { SendChannel } from '../../src/link/send-channel.ts';

describe('receiving channel', () => {
  it('hands each byte over once, in order', () => {
    const channel = new ReceiveChannel(100);
    expect(channel.accept(0, Buffer.from('abc'))?.toString()).toBe('abc');
    expect(channel.accept(1, Buffer.from('bcde'))?.toString()).toBe('de');
    expect(channel.accept(0, Buffer.from('abcde'))).toBeUndefined();
    expect(channel.acceptEof(5)).toBe(true);
    expect(channel.acceptEof(5)).toBe(false);
    expect(channel.complete).toBe(false);
    channel.acknowledge(5);
    expect(channel.complete).toBe(true);
  });

  it('tells of room when a quarter of the window is free', () => {
    const channel = new ReceiveChannel(100);
    channel.accept(0, Buffer.alloc(60));
    expect([channel.acknowledge(24), channel.limit]).toEqual([false, 100]);
    expect([channel.acknowledge(25), channel.limit]).toEqual([true, 125]);
    channel.resume();
    expect([channel.received, channel.limit]).toEqual([25, 125]);
  });

  it.each<[string, (channel: ReceiveChannel) => void]>([
    ['a gap', (channel) => channel.accept(1, Buffer.from('x'))],
    ['more than the credit', (channel) => channel.accept(0, Buffer.alloc(101))],
    ['an end too early', (channel) => channel.acceptEof(1)],
    [
      'bytes behind the end',
      (channel) => {
        channel.acceptEof(0);
        channel.accept(0, Buffer.from('x'));
      },
    ],
  ])('refuses %s', (_name, spoil) => {
    expect(() => spoil(new ReceiveChannel(100))).toThrow(ProtocolBreach);
  });
});

describe('sending channel', () => {
  /** A receiver that takes all that comes on one connection. */
  const drain = (channel: SendChannel, target: { text: string }): void => {
    for (let piece = channel.take(); piece !== undefined; piece = channel.take()) {
      expect(piece.offset).toBeLessThanOrEqual(target.text.length);
      target.text += Buffer.from(piece.bytes)
        .toString()
        .slice(target.text.length - piece.offset);
    }
  };

  it('sends within credit and ends behind the last byte', () => {
    const channel = new SendChannel();
    channel.push(Buffer.from('hello'));
    channel.end();
    expect(channel.take()).toBeUndefined();
    channel.credit(0, 3);
    expect(Buffer.from(channel.take()?.bytes ?? []).toString()).toBe('hel');
    expect([channel.take(), channel.takeEnd()]).toEqual([undefined, undefined]);
    channel.credit(3, 10);
    expect(channel.take()?.offset).toBe(3);
    expect([channel.takeEnd(), channel.takeEnd()]).toEqual([5, undefined]);
    channel.resume(5, 10);
    expect(channel.takeEnd()).toBe(5);
  });

  it('resolves writers when their bytes are taken, and rejects them when nothing will be', async () => {
    const channel = new SendChannel();
    channel.push(Buffer.from('ab'));
    channel.credit(0, 9);
    channel.take();
    const first = channel.whenReceived(1);
    channel.credit(1, 9);
    await first;
    const second = channel.whenReceived(2);
    channel.fail(new Error('over'));
    await expect(second).rejects.toThrow('over');
    await expect(channel.whenReceived(3)).rejects.toThrow('over');
    expect(() => channel.push(Buffer.from('c'))).toThrow('over');
  });

  it.each<[string, (channel: SendChannel) => void]>([
    ['unsent bytes', (channel) => channel.credit(1, 9)],
    [
      'a limit below what it took',
      (channel) => {
        channel.push(Buffer.from('ab'));
        channel.credit(0, 2);
        channel.take();
        channel.credit(2, 1);
      },
    ],
    [
      'going back',
      (channel) => {
        channel.push(Buffer.from('ab'));
        channel.credit(0, 2);
        channel.take();
        channel.credit(2, 9);
        channel.credit(1, 9);
      },
    ],
  ])('refuses credit for %s', (_name, spoil) => {
    expect(() => spoil(new SendChannel())).toThrow(ProtocolBreach);
  });

  it('delivers every byte once over any drops and credits', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('push' as const), size: fc.integer({ min: 0, max: 50 }) }),
      fc.record({ kind: fc.constant('credit' as const), size: fc.integer({ min: 0, max: 40 }) }),
      fc.record({ kind: fc.constant('drop' as const), size: fc.integer({ min: 0, max: 40 }) }),
      fc.record({ kind: fc.constant('send' as const), size: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const channel = new SendChannel();
        const target = { text: '' };
        let pushed = '';
        let acknowledged = 0;
        for (const { kind, size } of steps) {
          if (kind === 'push') {
            const text = 'abcdefghij'.repeat(5).slice(0, size);
            pushed += text;
            channel.push(Buffer.from(text));
          } else if (kind === 'send') {
            drain(channel, target);
          } else {
            acknowledged = Math.min(target.text.length, acknowledged + size);
            const change = kind === 'credit' ? channel.credit : channel.resume;
            change.call(channel, acknowledged, acknowledged + 30);
            if (kind === 'drop') {
              target.text = target.text.slice(0, acknowledged);
            }
          }
          expect(channel.heldBytes).toBe(pushed.length - acknowledged);
        }
        for (let rounds = 0; target.text.length < pushed.length && rounds < 1_000; rounds += 1) {
          channel.resume(target.text.length, target.text.length + 30);
          drain(channel, target);
        }
        expect(target.text).toBe(pushed);
      }),
    );
  });
});
