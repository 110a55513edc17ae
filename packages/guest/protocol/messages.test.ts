import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  decodeHello,
  decodeOpen,
  decodeStatus,
  encodeHello,
  encodeOpen,
  encodeStatus,
  ProtocolBreach,
  StatusPhase,
} from './index.ts';

const folder = import.meta.dirname;

it('generated messages agree with guest.proto', () => {
  const out = mkdtempSync(join(tmpdir(), 'berth-guest-proto-'));
  try {
    const bin = join(folder, '../../../node_modules/.bin');
    execFileSync(join(bin, 'buf'), ['generate', '--template', 'buf.gen.yaml', '--output', out, '.'], {
      cwd: folder,
      env: { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` },
    });
    const made = readFileSync(join(out, 'generated/guest_pb.ts'), 'utf8');
    expect(made).toBe(readFileSync(join(folder, 'generated/guest_pb.ts'), 'utf8'));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
});

it('messages survive the way there and back', () => {
  const hello = decodeHello(encodeHello({ protocolMin: 1, protocolMax: 2, bootId: new Uint8Array(16).fill(7) }));
  expect([hello.protocolMin, hello.protocolMax, hello.bootId.length]).toEqual([1, 2, 16]);
  const open = decodeOpen(
    encodeOpen({ stdoutLimit: 5n, request: { case: 'exec', value: { executionId: 'e', environment: { A: 'ä' } } } }),
  );
  expect(open.request.case === 'exec' && open.request.value.environment).toEqual({ A: 'ä' });
  const status = decodeStatus(
    encodeStatus({ phase: StatusPhase.FINISHED, exit: { how: { case: 'code', value: -1 }, outOfMemory: true } }),
  );
  expect(status.exit?.how).toEqual({ case: 'code', value: -1 });
});

it('malformed messages are a breach; unknown fields are dropped', () => {
  expect(() => decodeStatus(Buffer.from('ffffffffff', 'hex'))).toThrow(ProtocolBreach);
  expect(() => decodeHello(Buffer.from([0x0a]))).toThrow(ProtocolBreach);
  const withUnknown = Buffer.concat([encodeStatus({ pid: 3 }), Buffer.from([0xfa, 0x3f, 2, 1, 2])]);
  const status = decodeStatus(withUnknown);
  expect(status.pid).toBe(3);
  expect(status.$unknown).toBeUndefined();
});
