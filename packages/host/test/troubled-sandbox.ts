import { once } from 'node:events';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

/** `refuse`: answers with an error; `unknown`: does not know the method; `silent`: does it and hangs up without a word; `hangUp`, `hang`: does nothing. */
export type Trouble = 'refuse' | 'unknown' | 'silent' | 'hangUp' | 'hang';

const UNKNOWN = JSON.stringify({ success: false, err: 'unknown method' });
let count = 0;
const REFUSED = JSON.stringify({ success: false, err: 'it has trouble' });

/** Stands at the control socket of a box in place of its sandbox, and has trouble with one method as often as it is told. */
export class TroubledSandbox {
  readonly #stateFile: string;
  readonly #socket: string;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #left: number;
  /** Methods that were asked for, in order. */
  readonly asked: string[] = [];

  private constructor(stateFile: string, method: string, trouble: Trouble, times: number) {
    this.#stateFile = stateFile;
    this.#socket = JSON.parse(readFileSync(stateFile, 'utf8')).sandbox.controlSocketPath;
    this.#left = times;
    this.#server = createServer((client) => void this.#serve(client, method, trouble));
  }

  /** @param root where runsc keeps its state, one directory a box */
  static async of(root: string, boxId: string, method: string, trouble: Trouble, times = 1): Promise<TroubledSandbox> {
    const directory = join(root, boxId);
    const name = readdirSync(directory).find((one) => one.endsWith('.state')) ?? 'no state';
    const sandbox = new TroubledSandbox(join(directory, name), `containerManager.${method}`, trouble, times);
    const place = join(root, `${++count}.sock`);
    sandbox.#server.listen(place);
    await once(sandbox.#server, 'listening');
    sandbox.#point(place);
    return sandbox;
  }

  async close(): Promise<void> {
    for (const socket of this.#open) {
      socket.destroy();
    }
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(client: Socket, method: string, trouble: Trouble): Promise<void> {
    this.#keep(client);
    const [request] = await once(client, 'data');
    const asked: string = JSON.parse(String(request)).method;
    this.asked.push(asked);
    const isTroubled = asked === method && this.#left > 0;
    this.#left -= isTroubled ? 1 : 0;
    if (asked.endsWith('.Checkpoint') && (!isTroubled || trouble === 'unknown')) {
      // The files that come with it cannot be passed on from here: the command asks the sandbox itself.
      this.#point(this.#socket);
      client.end(UNKNOWN);
    } else if (isTroubled) {
      this.#fail(client, request, trouble);
    } else {
      this.#forward(request).pipe(client);
    }
  }

  #fail(client: Socket, request: Buffer, trouble: Trouble): void {
    if (trouble === 'silent') {
      this.#forward(request).once('data', () => client.destroy());
    } else if (trouble === 'hangUp') {
      client.destroy();
    } else if (trouble !== 'hang') {
      client.end(trouble === 'refuse' ? REFUSED : UNKNOWN);
    }
  }

  #forward(request: Buffer): Socket {
    const sandbox = createConnection(this.#socket);
    this.#keep(sandbox);
    sandbox.write(request);
    sandbox.once('data', () => sandbox.end());
    return sandbox;
  }

  #keep(socket: Socket): void {
    this.#open.add(socket);
    socket.on('error', () => undefined).on('close', () => this.#open.delete(socket));
  }

  #point(socket: string): void {
    const state = JSON.parse(readFileSync(this.#stateFile, 'utf8'));
    state.sandbox.controlSocketPath = socket;
    writeFileSync(`${this.#stateFile}.test`, JSON.stringify(state));
    renameSync(`${this.#stateFile}.test`, this.#stateFile);
  }
}
