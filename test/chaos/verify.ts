import type Runloop from '@runloop/api-client';
import { output } from '../platform/boxes.ts';
import { boxLeftovers } from '../platform/leaks.ts';
import { until } from '../platform/process.ts';
import type { BoxLedger, Ledger } from './ledger.ts';

/** One line for everything that is not as it was acknowledged. */
export async function discrepancies(client: Runloop, ledger: Ledger): Promise<string[]> {
  const found = [...ledger.faults, ...(await doubles(client, ledger))];
  for (const box of ledger.boxes) {
    found.push(...inBooks(box));
    found.push(...(await inBox(client, box)));
  }
  return found;
}

/** No second box for any creation, none lost. */
async function doubles(client: Runloop, ledger: Ledger): Promise<string[]> {
  const byName = new Map<string, string[]>();
  for await (const box of client.devboxes.list({ limit: 100 })) {
    if (box.name?.startsWith('chaos-') === true) {
      byName.set(box.name, [...(byName.get(box.name) ?? []), box.id]);
    }
  }
  return ledger.boxes
    .filter((box) => byName.get(box.key)?.join() !== box.id)
    .map((box) => `creation ${box.key} answered ${box.id} and made ${byName.get(box.key)?.join() ?? 'nothing'}`);
}

/** What was answered was right in itself. */
const inBooks = (box: BoxLedger): string[] => [
  ...box.commands
    .filter((command) => command.exitStatus !== command.expectedStatus)
    .map((command) => `${box.id}: ${command.commandId} exited ${command.exitStatus}, not ${command.expectedStatus}`),
  ...box.streams.filter((stream) => !stream.exact).map((stream) => `${box.id}: stream ${stream.detail}`),
];

/** What is in the box is what was acknowledged: every mark once, every file whole. */
async function inBox(client: Runloop, box: BoxLedger): Promise<string[]> {
  const view = await client.devboxes.retrieve(box.id);
  const wanted = box.deleted ? 'shutdown' : box.guestKilled ? 'failure' : 'running';
  if (view.status !== wanted) {
    return [`${box.id} is ${view.status}, not ${wanted}: ${JSON.stringify(view.state_transitions)}`];
  }
  if (view.status === 'failure' && (view.failure_reason ?? null) === null) {
    return [`${box.id} failed without a reason`];
  }
  if (view.status !== 'running') {
    return [];
  }
  const found: string[] = [];
  const marks = (await output(client, box.id, 'cat ~/marks 2>/dev/null || true'))
    .split('\n')
    .filter((line) => line !== '');
  for (const mark of new Set(marks)) {
    const times = marks.filter((one) => one === mark).length;
    if (times > 1 || !box.sent.has(mark)) {
      found.push(`${box.id}: ${mark} ran ${times} times`);
    }
  }
  found.push(
    ...box.commands
      .filter((one) => !marks.includes(one.commandId))
      .map((one) => `${box.id}: ${one.commandId} left no mark`),
  );
  for (const [path, sum] of box.files) {
    if ((await output(client, box.id, `sha256sum < ${path} | cut -d' ' -f1`)) !== `${sum}\n`) {
      found.push(`${box.id}: ${path} is not what was uploaded`);
    }
  }
  return found;
}

/** Deletes every box and waits until the kernel has forgotten them; throws with what is left. */
export async function deleteAll(client: Runloop, ledger: Ledger): Promise<void> {
  for (const box of ledger.boxes) {
    await client.devboxes.shutdown(box.id);
  }
  const ids = ledger.boxes.map((box) => box.id);
  const left = () => boxLeftovers(ids);
  await until('nothing of the deleted boxes is left', () => left().length === 0, 60_000).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${left().join('\n')}`);
  });
}
