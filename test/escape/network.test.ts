import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { output, run, useBox } from '../platform/boxes.ts';
import { shared } from '../platform/clients.ts';

/** Own IPv4 addresses of this machine, as a box would try them. */
const hostAddresses = (): string[] =>
  Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter((one) => one.family === 'IPv4' && !one.internal)
    .map((one) => one.address);

/** Entries of the machine's connection table. */
const machineConnections = (): number =>
  Number(readFileSync('/proc/sys/net/netfilter/nf_conntrack_count', 'utf8').trim());

/** A probe with real packets: prints `open` when a TCP connection comes about, else `closed`. */
const tcp = (address: string, port: number) =>
  `timeout 2 bash -c '</dev/tcp/${address}/${port}' 2>/dev/null && echo open || echo closed`;

describe('network: towards the host (CVE-2019-5736 and CVE-2020-15257 began with reaching host services)', () => {
  const box = useBox();
  let listener: Server;
  let port = 0;

  beforeAll(async () => {
    listener = createServer((socket) => socket.end('reached'));
    await new Promise<void>((resolve) => listener.listen(0, '0.0.0.0', resolve));
    const address = listener.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
  });
  afterAll(() => {
    listener.close();
  });

  it('the probe itself finds what is open', async () => {
    await output(box.client, box.id, 'nohup python3 -m http.server 8099 >/dev/null 2>&1 &');
    expect(
      await output(
        box.client,
        box.id,
        `for i in {1..50}; do [ $(${tcp('127.0.0.1', 8099)}) = open ] && echo open && exit; sleep 0.2; done`,
      ),
    ).toBe('open\n');
  });

  it('no listener on any address of the host is reached, nor the API', async () => {
    const gateway = (await output(box.client, box.id, "ip route | awk '/^default/{print $3}'")).trim();
    expect(gateway).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    const addresses = [...new Set([...hostAddresses(), gateway])];
    const targets = addresses.flatMap((address) =>
      [port, shared().port, 22, 53, 5432, 2375, 10250].map((target) => [address, target] as const),
    );
    const probes = targets.map(([address, target]) => `(echo ${address} ${target} $(${tcp(address, target)})) &`);
    const answers = await output(box.client, box.id, `${probes.join('\n')}\nwait`);
    expect(answers.trim().split('\n').sort()).toEqual(targets.map(([one, two]) => `${one} ${two} closed`).sort());
  });

  it('the loopback of the box is its own', async () => {
    expect(await output(box.client, box.id, tcp('127.0.0.1', shared().port))).toBe('closed\n');
    expect(await output(box.client, box.id, tcp('127.0.0.1', port))).toBe('closed\n');
  });

  it('no abstract socket of the host is seen (CVE-2020-15257)', async () => {
    const mark = `berth-abstract-${crypto.randomUUID()}`;
    const abstract = createServer();
    await new Promise<void>((resolve) => abstract.listen(`\0${mark}`, resolve));
    try {
      expect(await output(box.client, box.id, `grep -c ${mark} /proc/net/unix || true`)).toBe('0\n');
    } finally {
      abstract.close();
    }
  });

  it('pings and UDP to the host stay unanswered', async () => {
    const [address] = hostAddresses();
    const probe = `import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2); s.connect(("${address}", 53)); s.send(b"x")\ntry: print(s.recv(9))\nexcept Exception as e: print("closed")`;
    expect(await output(box.client, box.id, `python3 -c '${probe}'`)).toBe('closed\n');
  });
});

describe('network: towards others', () => {
  const attacker = useBox();
  const victim = useBox();
  const address = async () => (await output(victim.client, victim.id, "hostname -I | cut -d' ' -f1")).trim();

  it('another box is not reached on any port, by TCP or UDP', async () => {
    await output(victim.client, victim.id, 'nohup python3 -m http.server 8098 --bind 0.0.0.0 >/dev/null 2>&1 &');
    const ip = await address();
    expect(ip).toMatch(/^10\./);
    const opens = `for i in {1..100}; do [ "$(${tcp(ip, 8098)})" = open ] && echo open && exit; sleep 0.1; done`;
    expect(await output(victim.client, victim.id, opens)).toBe('open\n');
    for (const port of [8098, 22, 80]) {
      expect(await output(attacker.client, attacker.id, tcp(ip, port))).toBe('closed\n');
    }
    const listen =
      'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", 9999)); s.settimeout(4)\ntry: print(s.recv(9))\nexcept Exception: print("nothing")';
    const [heard] = await Promise.all([
      output(victim.client, victim.id, `python3 -c '${listen}'`),
      run(attacker.client, attacker.id, `for i in 1 2 3; do echo x > /dev/udp/${ip}/9999; sleep 0.5; done`),
    ]);
    expect(heard).toBe('nothing\n');
  });

  it.each([
    ['metadata', '169.254.169.254', 80],
    ['link-local', '169.254.1.1', 80],
    ['private 10/8', '10.0.0.1', 80],
    ['private 172.16/12', '172.17.0.1', 80],
    ['private 192.168/16', '192.168.0.1', 80],
    ['shared 100.64/10', '100.100.100.200', 80],
    ['multicast', '224.0.0.1', 80],
  ])('%s addresses are not reached', async (_what, target, port) => {
    expect(await output(attacker.client, attacker.id, tcp(target, port))).toBe('closed\n');
  });

  it.each([
    ['another network', '192.168.0.1'],
    ['the metadata service', '169.254.169.254'],
  ])('a refused connection to %s fails at once and is not waited for', async (_what, target) => {
    const probe = `import socket; s = socket.socket(); s.settimeout(20)\ntry: s.connect(("${target}", 80)); print("open")\nexcept ConnectionRefusedError: print("refused")\nexcept Exception as e: print(repr(e))`;
    expect(await output(attacker.client, attacker.id, `python3 -c '${probe}'`)).toBe('refused\n');
  });

  it('one box cannot fill the table of connections of the machine', async () => {
    const flood =
      'import socket\nfor n in range(20000):\n s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n try: s.sendto(b"x", ("198.51.100." + str(n % 250 + 1), 1024 + n))\n except OSError: pass\n s.close()';
    const before = machineConnections();
    await output(attacker.client, attacker.id, `python3 -c '${flood}'`);
    expect(machineConnections() - before).toBeLessThan(6_000);
    expect(await output(victim.client, victim.id, 'getent ahostsv4 deb.debian.org | head -1 | grep -c .')).toBe('1\n');
  });

  it('packets with a forged source address do not leave (CVE-2020-14386 needs raw sockets on a shared wire)', async () => {
    const ip = await address();
    const device = (await output(attacker.client, attacker.id, "ip route | awk '/^default/{print $5}'")).trim();
    await run(
      attacker.client,
      attacker.id,
      `sudo ip addr add ${ip}/32 dev ${device}; sudo ip addr add 8.8.8.8/32 dev ${device}`,
    );
    const forged = `import socket; s = socket.socket(); s.settimeout(3); s.bind(("${ip}", 0))\ntry:\n s.connect(("1.1.1.1", 80)); print("open")\nexcept Exception: print("closed")`;
    expect((await run(attacker.client, attacker.id, `python3 -c '${forged}'`)).stdout).not.toContain('open');
    expect(await output(victim.client, victim.id, 'echo alive')).toBe('alive\n');
  });

  it('a box cannot change the rules outside it by becoming root inside', async () => {
    const tried = await run(
      attacker.client,
      attacker.id,
      'sudo ip link; sudo ip route replace default via 127.0.0.1; sudo ip link set lo down; sudo ip netns list; echo done',
    );
    expect(tried.stdout).toContain('done');
    expect(await output(victim.client, victim.id, 'getent hosts deb.debian.org >/dev/null; echo alive')).toBe(
      'alive\n',
    );
  });
});

describe('network: what must work', () => {
  const box = useBox();

  it('has no IPv6 way out', async () => {
    expect(
      await output(box.client, box.id, 'ip -6 addr show scope global | wc -l; ip -6 route show default | wc -l'),
    ).toBe('0\n0\n');
    const connect =
      'import socket; s = socket.socket(socket.AF_INET6); s.settimeout(3)\ntry:\n s.connect(("2606:4700:4700::1111", 80)); print("open")\nexcept Exception: print("closed")';
    expect(await output(box.client, box.id, `python3 -c '${connect}'`)).toBe('closed\n');
  });

  it('resolves names and reaches a package registry', { timeout: 60_000 }, async () => {
    expect(await output(box.client, box.id, 'getent ahostsv4 deb.debian.org | head -1 | grep -c .')).toBe('1\n');
    const command =
      'curl -sS -o /dev/null -w "%{http_code}" --max-time 30 http://deb.debian.org/debian/dists/bookworm/InRelease';
    expect(await output(box.client, box.id, command)).toBe('200');
  });

  it('has a name of its own and its loopback', async () => {
    expect(
      await output(
        box.client,
        box.id,
        'getent hosts localhost | wc -l; getent hosts "$(hostname)" >/dev/null && echo self',
      ),
    ).toBe('1\nself\n');
  });
});
