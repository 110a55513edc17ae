import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { claimNetwork, releaseNetwork } from './network.ts';

const claim = (state: string) => {
  const network = claimNetwork(state);
  onTestFinished(() => releaseNetwork(network));
  return network;
};
const pathOf = (subnet: string) => join(tmpdir(), `berth-test-network-${subnet.split('.')[1]}`);

it('two installations never have one network, whatever their folders are called', () => {
  const all = Array.from({ length: 12 }, () => claim('/tmp/bt-same').subnet);
  expect(new Set(all).size).toBe(12);
});

it('that of a process which has ended is free again, that of one which lives is not', async () => {
  const { subnet } = claim('/tmp/bt-first');
  const child = spawn('sleep', ['60']);
  writeFileSync(pathOf(subnet), String(child.pid));
  expect(claim('/tmp/bt-first').subnet).not.toBe(subnet);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(claim('/tmp/bt-first').subnet).toBe(subnet);
});

it('leaves nothing once it is given back', () => {
  const network = claimNetwork('/tmp/bt-given');
  releaseNetwork(network);
  expect(existsSync(pathOf(network.subnet))).toBe(false);
});
