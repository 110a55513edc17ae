/**
 * Stands between a host and its helper and kills the host at one command: `node deadly-helper.ts HELPER ORDER`. ORDER is a file with a {@link KillOrder}; it
 * is gone when the order has been carried out.
 */
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { KillOrder } from '../host-killer.ts';

const [, , helper = '', orderFile = ''] = process.argv;
const child = spawn(helper, [], { stdio: ['pipe', 'pipe', 'inherit'] });
child.on('exit', (code) => process.exit(code ?? 1));
let answerToKillAt: number | undefined;

for await (const line of onLines(process.stdin, answered())) {
  const { id, command } = JSON.parse(line);
  const order = readOrder();
  const isMeant = order?.command === command && (order?.text === undefined || line.includes(order.text));
  if (isMeant && order?.when === 'before') {
    killHost();
  }
  child.stdin.write(`${line}\n`);
  if (isMeant && order?.when === 'after') {
    answerToKillAt = id;
  } else if (isMeant && order !== undefined && order.when !== 'before') {
    setTimeout(killHost, Number(order.when));
  }
}
child.stdin.end();

/** Lines of the first stream, while the other task runs beside. */
async function* onLines(stream: NodeJS.ReadableStream, beside: Promise<void>): AsyncGenerator<string> {
  beside.catch(killHost);
  yield* createInterface({ input: stream });
}

async function answered(): Promise<void> {
  for await (const line of createInterface({ input: child.stdout })) {
    if (answerToKillAt !== undefined && JSON.parse(line).id === answerToKillAt) {
      killHost();
    }
    process.stdout.write(`${line}\n`);
  }
}

function readOrder(): KillOrder | undefined {
  try {
    return JSON.parse(readFileSync(orderFile, 'utf8'));
  } catch {
    return undefined;
  }
}

function killHost(): never {
  rmSync(orderFile, { force: true });
  if (process.ppid > 1) {
    process.kill(process.ppid, 'SIGKILL');
  }
  process.exit(1);
}
