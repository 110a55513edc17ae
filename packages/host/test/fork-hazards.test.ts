import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BoxSpec, ExecutionSpec } from '../src/contract/index.ts';
import type { LocalHost } from '../src/local/local-host.ts';
import { FarPeer } from './far-peer.ts';
import { grades, type Installation, makeInstallation } from './local-harness.ts';
import { boxSpec } from './local-spec.ts';
import { patienceMs } from './patience.ts';

const MEMORY = { memory: true };
const WAIT = { until: ['completed'], timeoutMs: patienceMs(30_000), lastLines: 100 } as const;

/** What may go wrong when a box becomes two, one by one. Metering is the control plane's: packages/server/test/forks. */
describe.each(grades)('hazards of a fork ($grade)', ({ grade, change }) => {
  const memory = grade === 'gvisor';
  let installation: Installation;
  let host: LocalHost;
  let count = 0;

  beforeAll(async () => {
    installation = await makeInstallation(change);
    host = await installation.open();
  });
  afterEach(async () => {
    await Promise.all((await host.list()).map(({ id }) => host.destroy(id)));
    await Promise.all((await host.snapshots()).map(({ id }) => host.deleteSnapshot(id)));
  });
  afterAll(async () => {
    await host.close();
    await installation.remove();
  });

  async function box(wish: Partial<BoxSpec> = {}): Promise<BoxSpec> {
    const spec = boxSpec(wish);
    expect(await host.create(spec)).toMatchObject({ phase: 'running' });
    return spec;
  }

  async function forks(source: BoxSpec, wishes: ReadonlyArray<Partial<BoxSpec>>): Promise<BoxSpec[]> {
    const snapshotId = `snp-${++count}`;
    await host.snapshot(source.id, snapshotId, { memory });
    return Promise.all(wishes.map((wish) => box({ image: { snapshotId, memory }, ...wish })));
  }

  async function run({ id }: BoxSpec, command: string, more: Partial<ExecutionSpec> = {}): Promise<string> {
    const spec = { executionId: `e${++count}`, origin: 'exec', command, ...more } as const;
    await host.execute(id, spec);
    const view = await host.waitExecution(id, spec.executionId, WAIT);
    expect(view, `${command}: ${view.stderr.text}`).toMatchObject({ end: { kind: 'exited', code: 0 } });
    return view.stdout.text;
  }

  /** Begins a command that has printed `up`. */
  async function begin({ id }: BoxSpec, executionId: string, command: string): Promise<void> {
    await host.execute(id, { executionId, origin: 'exec', command, attachStdin: true });
    const printed = async () => (await host.execution(id, executionId, 100)).stdout.text;
    await expect.poll(printed, { timeout: patienceMs(20_000) }).toContain('up\n');
  }

  const distinct = (texts: readonly string[]) => new Set(texts).size;
  const each = (boxes: readonly BoxSpec[], command: string) => Promise.all(boxes.map((one) => run(one, command)));
  const two = [{ hostname: 'one' }, { hostname: 'two' }] as const;

  it('entropy: the kernel gives each its own', async () => {
    const source = await box();
    const all = [source, ...(await forks(source, two))];
    expect(distinct(await each(all, 'head -c 16 /dev/urandom | od -An -tx1'))).toBe(3);
    expect(distinct(await each(all, 'python3 -c "import os; print(os.getrandom(16).hex())"'))).toBe(3);
    expect(distinct(await each(all, 'python3 -c "import uuid; print(uuid.uuid4())"'))).toBe(3);
  });

  it('machine id and host name: each has its own, for all of its life', async () => {
    const source = await box({ hostname: 'zero' });
    const all = [source, ...(await forks(source, two))];
    const ids = await each(all, 'cat /etc/machine-id');
    expect(distinct(ids)).toBe(3);
    for (const id of ids) {
      expect(id).toMatch(/^[0-9a-f]{32}\n$/);
    }
    expect(await each(all, 'hostname; cat /etc/hostname')).toEqual(['zero\nzero\n', 'one\none\n', 'two\ntwo\n']);
    await host.suspend(source.id, { memory });
    await host.resume(source, { memory });
    expect(await run(source, 'cat /etc/machine-id')).toBe(ids[0]);
  });

  it('secrets: what is started in a fork has those of the fork', async () => {
    const source = await box({ environment: { TOKEN: 'source', ONLY: 'there' } });
    await run(source, 'true', { shellName: 'old' });
    const [fork] = await forks(source, [{ environment: { TOKEN: 'fork' } }]);
    expect(fork && (await run(fork, 'echo $TOKEN-$ONLY'))).toBe('fork-\n');
    expect(fork && (await run(fork, 'echo $TOKEN-$ONLY', { shellName: 'new' }))).toBe('fork-\n');
    // What runs already cannot be given others: DEVBOXES.md says so.
    expect(fork && (await run(fork, 'echo $TOKEN-$ONLY', { shellName: 'old' }))).toBe(
      memory ? 'source-there\n' : 'fork-\n',
    );
    expect(await run(source, 'echo $TOKEN')).toBe('source\n');
  });

  it('addresses: each has its own, on the network and on the link', async () => {
    const source = await box();
    const all = [source, ...(await forks(source, two))];
    const states = await Promise.all(all.map(({ id }) => host.inspect(id)));
    expect(distinct(states.map((state) => state?.ipv4 ?? ''))).toBe(3);
    const shown = await each(all, "ip -4 -o address show dev eth0 | awk '{print $4}'");
    expect(shown).toEqual(states.map((state) => `${state?.ipv4}/31\n`));
    expect(distinct(await each(all, "ip link show dev eth0 | awk '/ether/ {print $2}'"))).toBe(3);
  });

  it('journals: ids and tokens of the source mean nothing in a fork', async () => {
    const source = await box();
    const same = { executionId: 'same', origin: 'exec' } as const;
    await host.executeAndWait(source.id, { ...same, command: 'echo of the source; exit 3' }, WAIT);
    const input = { executionId: 'input', origin: 'exec', command: 'cat', attachStdin: true } as const;
    await host.execute(source.id, input);
    await host.stdin(source.id, 'input', Buffer.from('of the source\n'), false, 'token');
    const [fork] = await forks(source, [{}]);
    const id = fork?.id ?? '';
    await expect(host.execution(id, 'same', 1)).rejects.toMatchObject({ code: 'executionNotFound' });
    expect(await host.executeAndWait(id, { ...same, command: 'echo of the fork' }, WAIT)).toMatchObject({
      end: { kind: 'exited', code: 0 },
      stdout: { text: 'of the fork\n' },
    });
    const another = { ...input, executionId: 'another' };
    await host.execute(id, another);
    await host.stdin(id, 'another', Buffer.from('of the fork\n'), true, 'token');
    expect(await host.waitExecution(id, 'another', WAIT)).toMatchObject({ stdout: { text: 'of the fork\n' } });
    await host.stdin(source.id, 'input', Buffer.from('of the source\n'), true, 'token');
    await host.stdin(source.id, 'input', new Uint8Array(), true);
    expect(await host.waitExecution(source.id, 'input', WAIT)).toMatchObject({ stdout: { text: 'of the source\n' } });
    expect((await host.logs(id, {})).map(({ message }) => message).join()).not.toContain('of the source');
  });

  it('executions: those of the source go on there, are lost in the fork, and run once', async () => {
    const source = await box();
    const command = 'echo ran >> /tmp/runs; echo up; read x; echo "$x"';
    await begin(source, 'held', command);
    const [fork] = await forks(source, [{}]);
    const id = fork?.id ?? '';
    if (memory) {
      const lost = { status: 'completed', end: { kind: 'lost', reason: expect.stringMatching(/forked/) } };
      expect(await host.execution(id, 'held', 1)).toMatchObject(lost);
      expect(await host.execute(id, { executionId: 'held', origin: 'exec', command, attachStdin: true })).toMatchObject(
        lost,
      );
    }
    expect(fork && (await run(fork, 'cat /tmp/runs'))).toBe('ran\n');
    await host.stdin(source.id, 'held', Buffer.from('on\n'), true);
    expect(await host.waitExecution(source.id, 'held', WAIT)).toMatchObject({
      end: { kind: 'exited', code: 0 },
      stdout: { text: 'up\non\n' },
    });
  });

  if (!memory) {
    return;
  }

  /** A program in the box that has printed `up`. */
  async function program(source: BoxSpec, text: string): Promise<void> {
    const body = async function* () {
      yield Buffer.from(text);
    };
    await host.writeFile(source.id, '/tmp/program.py', body());
    await begin(source, 'program', 'exec python3 -u /tmp/program.py');
  }

  it('entropy: what runs already gets fresh randomness from the kernel, not in its own generators', async () => {
    const source = await box();
    await program(source, DRAWING);
    const all = [source, ...(await forks(source, two))];
    const drawn = await each(all, 'touch /tmp/go; until test -s /tmp/drawn; do sleep 0.05; done; cat /tmp/drawn');
    const columns = [0, 1, 2].map((column) => distinct(drawn.map((line) => line.split(' ')[column] ?? '')));
    // The third is a state of the program itself, of which no platform knows.
    expect(columns).toEqual([3, 3, 1]);
  });

  it('clock: the time is the present one, and the monotonic clock never goes back', async () => {
    const source = await box();
    await program(source, WATCHING);
    const isRight = async (one: BoxSpec) => {
      await run(one, 'rm -f /tmp/clock; until test -e /tmp/clock; do sleep 0.05; done');
      const [time = '', worst = '', date = ''] = (await run(one, 'cat /tmp/clock; date +%s')).split(/\s+/);
      for (const shown of [time, date]) {
        expect(Math.abs(Number(shown) - Date.now() / 1_000)).toBeLessThan(patienceMs(10_000) / 1_000);
      }
      expect(Number(worst)).toBe(0);
    };
    await host.suspend(source.id, MEMORY);
    await delay(5_000);
    await host.resume(source, MEMORY);
    await isRight(source);
    const [fork = source] = await forks(source, [{}]);
    await isRight(source);
    await isRight(fork);
  });

  it('sockets: connections that led out end in fork and sleeper, on both sides, and go on in the source', {
    timeout: patienceMs(90_000),
  }, async () => {
    const peer = await FarPeer.start();
    try {
      const source = await box();
      await program(source, CALLING.replace('PEER', peer.address));
      const say = (one: BoxSpec, n: number) =>
        run(one, `touch /tmp/go${n}; until test -e /tmp/said${n}; do sleep 0.05; done; cat /tmp/said${n}`);
      expect(await say(source, 0)).toBe('echo line');
      const [fork = source] = await forks(source, [{}]);
      expect(await say(fork, 1)).toMatch(/^(eof|\w*Error)$/);
      expect(await say(source, 1)).toBe('echo line');
      expect(peer.ends).toEqual([]);
      await host.suspend(source.id, MEMORY);
      peer.prod(0);
      await expect.poll(() => peer.ends, { timeout: patienceMs(20_000) }).toEqual(['0 ConnectionResetError']);
      await host.resume(source, MEMORY);
      expect(await say(source, 2)).toMatch(/^(eof|\w*Error)$/);
    } finally {
      await peer.stop();
    }
  });
});

const DRAWING = `
import os, random, time
random.seed(os.urandom(16))
print('up')
while not os.path.exists('/tmp/go'):
    time.sleep(0.05)
print(os.getrandom(16).hex(), open('/dev/urandom', 'rb').read(16).hex(), random.random(), file=open('/tmp/drawn', 'w'))
`;

/** Writes the time, and the largest step that the monotonic clock has made backwards. */
const WATCHING = `
import os, time
last, worst = time.monotonic(), 0
print('up')
while True:
    now = time.monotonic()
    last, worst = now, min(worst, now - last)
    with open('/tmp/clock.new', 'w') as file:
        print(time.time(), worst, file=file)
    os.rename('/tmp/clock.new', '/tmp/clock')
    time.sleep(0.02)
`;

/** Says a line on one connection each time that it is told to, and writes what came of it. */
const CALLING = `
import os, socket, time
connection = socket.create_connection(('PEER', 7000))
connection.settimeout(20)
print('up')
for number in range(100):
    while not os.path.exists(f'/tmp/go{number}'):
        time.sleep(0.05)
    try:
        connection.sendall(b'line')
        said = connection.recv(100).decode() or 'eof'
    except OSError as error:
        said = type(error).__name__
    with open('/tmp/said.new', 'w') as file:
        file.write(said)
    os.rename('/tmp/said.new', f'/tmp/said{number}')
`;
