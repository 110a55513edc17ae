import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Answers each line, and tells on stdout what becomes of each connection. */
const SERVER = `
import os, socket, sys, threading
def serve(number, connection):
    try:
        while True:
            line = connection.recv(100)
            if not line:
                print(number, 'eof', flush=True)
                return
            connection.sendall(b'echo ' + line)
    except OSError as error:
        print(number, type(error).__name__, flush=True)
def prod(connections):
    for line in sys.stdin:
        try:
            connections[int(line)].sendall(b'from the peer\\n')
        except OSError:
            pass
    os._exit(0)
listener = socket.create_server(('0.0.0.0', 7000))
connections = []
threading.Thread(target=prod, args=(connections,), daemon=True).start()
print('up', flush=True)
while True:
    connection, _ = listener.accept()
    connections.append(connection)
    threading.Thread(target=serve, args=(len(connections) - 1, connection), daemon=True).start()
`;

/** A machine elsewhere, with a public address: a network namespace behind the host in which a server listens on port 7000. */
export class FarPeer {
  readonly address: string;
  /** What became of connections, in order of arrival: `<number> eof`, `<number> ConnectionResetError`. */
  readonly ends: string[] = [];
  readonly #interface: string;
  readonly #child: ChildProcessByStdio<import('node:stream').Writable, Readable, null>;

  private constructor(address: string, name: string) {
    this.address = address;
    this.#interface = name;
    this.#child = spawn('unshare', ['--net', 'python3', '-u', '-c', SERVER], { stdio: ['pipe', 'pipe', 'inherit'] });
  }

  static async start(): Promise<FarPeer> {
    const place = (2 * (randomBytes(1)[0] ?? 0)) & 0xfe;
    const [outer, inner, name] = [
      `203.0.113.${place}`,
      `203.0.113.${place + 1}`,
      `far${randomBytes(3).toString('hex')}`,
    ];
    const peer = new FarPeer(inner, name);
    const lines = createInterface({ input: peer.#child.stdout });
    await new Promise<void>((resolve) => {
      lines.on('line', (line) => (line === 'up' ? resolve() : peer.ends.push(line)));
    });
    const pid = String(peer.#child.pid);
    const ip = (...args: string[]) => run('ip', args);
    const inside = (...args: string[]) => run('nsenter', ['-t', pid, '-n', 'ip', ...args]);
    await ip('link', 'add', name, 'type', 'veth', 'peer', 'name', 'far0', 'netns', pid);
    await ip('address', 'add', `${outer}/31`, 'dev', name);
    await ip('link', 'set', name, 'up');
    await inside('address', 'add', `${inner}/31`, 'dev', 'far0');
    await inside('link', 'set', 'far0', 'up');
    await inside('route', 'add', 'default', 'via', outer);
    return peer;
  }

  /** Sends a line on the connection of this number. */
  prod(connection: number): void {
    this.#child.stdin.write(`${connection}\n`);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
    await run('ip', ['link', 'delete', this.#interface]).catch(() => undefined);
  }
}
