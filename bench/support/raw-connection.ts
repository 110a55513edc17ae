import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** An answer whose head was read for its status and length only. */
export interface RawAnswer {
  readonly status: number;
  readonly body: string;
}

const headEnd = Buffer.from('\r\n\r\n');

/**
 * One keep-alive connection over HTTP/1.1, one request after another, with nothing between the caller and the socket: what it costs is what
 * a client in a quicker language would cost, not what a general one for Node does.
 */
export class RawConnection {
  readonly #socket: Socket;
  #seen: Buffer = Buffer.alloc(0);
  #waiting: PromiseWithResolvers<RawAnswer> | undefined;
  #failure: Error | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the connection was closed')));
  }

  static async open(port: number, host = '127.0.0.1'): Promise<RawConnection> {
    const socket = connect({ port, host, noDelay: true });
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  /** Sends a JSON body. `head` holds the lines between the request line and the content's length. */
  post(path: string, head: string, body: string): Promise<RawAnswer> {
    this.#waiting = Promise.withResolvers();
    if (this.#failure === undefined) {
      const length = Buffer.byteLength(body);
      this.#socket.write(
        `POST ${path} HTTP/1.1\r\n${head}content-type: application/json\r\ncontent-length: ${length}\r\n\r\n${body}`,
      );
    } else {
      this.#waiting.reject(this.#failure);
    }
    return this.#waiting.promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#seen = this.#seen.length === 0 ? chunk : Buffer.concat([this.#seen, chunk]);
    const end = this.#seen.indexOf(headEnd);
    if (end < 0) {
      return;
    }
    const head = this.#seen.toString('latin1', 0, end);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
    const bodyStart = end + headEnd.length;
    if (Number.isNaN(length)) {
      this.#fail(new Error(`an answer without a length: ${head}`));
    } else if (this.#seen.length >= bodyStart + length) {
      const answer = {
        status: Number(head.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length)),
        body: this.#seen.toString('utf8', bodyStart, bodyStart + length),
      };
      this.#seen = this.#seen.subarray(bodyStart + length);
      this.#waiting?.resolve(answer);
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#waiting?.reject(error);
  }
}
