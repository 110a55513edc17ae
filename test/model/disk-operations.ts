import { persist } from '../chaos/persist.ts';
import { type Bench, shellName } from './bench.ts';
import type { ModelBox } from './expectation.ts';

/** Writes a file by a command or by an upload; durable once acknowledged. */
export async function write({ api, random }: Bench, box: ModelBox): Promise<void> {
  const name = `file-${random.between(0, 6)}`;
  const times = random.between(1, 400);
  const line = crypto.randomUUID();
  const text = `${line}\n`.repeat(times);
  if (random.next() < 0.5) {
    await persist('write', () =>
      api.client.devboxes.writeFileContents(box.id, { file_path: `kept/${name}`, contents: text }),
    );
  } else {
    await api.output(box.id, `mkdir -p ~/kept && for i in $(seq ${times}); do echo ${line}; done > ~/kept/${name}`);
  }
  box.files.set(name, text);
}

export async function remove({ api, random }: Bench, box: ModelBox): Promise<void> {
  const [name] = [...box.files.keys()].slice(random.between(0, Math.max(1, box.files.size)));
  if (name !== undefined) {
    await api.output(box.id, `rm ~/kept/${name}`);
    box.files.delete(name);
  }
}

/** A command with a status of its own, which has to stay readable. */
export async function execute({ api, random }: Bench, box: ModelBox): Promise<void> {
  const status = random.between(0, 100);
  const view = await api.run(box.id, `echo out; echo err >&2; exit ${status}`);
  if (view.exit_status !== status || view.stdout !== 'out\n' || view.stderr !== 'err\n') {
    throw new Error(`${box.id}: exit ${status} became ${JSON.stringify(view)}`);
  }
  box.finished.set(view.execution_id, status);
}

/** Leaves a word in the memory of a shell. */
export async function remember({ api }: Bench, box: ModelBox): Promise<void> {
  const word = crypto.randomUUID();
  await api.output(box.id, `kept=${word}`, shellName);
  box.mind.word = word;
}

const server = [
  'import socket, sys',
  'listener = socket.create_server(("127.0.0.1", 7007))',
  'while True:',
  '    connection, _ = listener.accept()',
  '    connection.sendall(sys.argv[1].encode())',
  '    connection.close()',
].join('\n');

/** Leaves a program behind that listens and answers with a word. */
export async function serve({ api }: Bench, box: ModelBox): Promise<void> {
  if (box.mind.served === undefined) {
    const word = crypto.randomUUID();
    await api.output(
      box.id,
      `setsid -f python3 -c '${server}' ${word} </dev/null >/dev/null 2>&1
for i in $(seq 300); do (exec 3<>/dev/tcp/127.0.0.1/7007) 2>/dev/null && exit 0; sleep 0.1; done; exit 1`,
    );
    box.mind.served = word;
  }
}

/** Leaves no room on the disk. */
export async function fill({ api }: Bench, box: ModelBox): Promise<void> {
  const view = await api.run(
    box.id,
    'for n in 1 2 3 4 5 6 7 8; do fallocate -l 512M ~/ballast-$n || head -c 512M /dev/zero > ~/ballast-$n || break; done; echo full > ~/over; sync; test $n -lt 8',
  );
  if (view.exit_status !== 0) {
    throw new Error(`${box.id}: its disk never filled: ${JSON.stringify(view)}`);
  }
}

/** Makes room again, which the kernel may find some seconds later. */
export async function unfill({ api }: Bench, box: ModelBox): Promise<void> {
  await api.output(
    box.id,
    `rm -f ~/ballast-* ~/over; sync
for i in $(seq 300); do head -c 1M /dev/zero > ~/probe 2>/dev/null && sync ~/probe 2>/dev/null && exec rm ~/probe; sleep 0.2; done; exit 1`,
  );
}
