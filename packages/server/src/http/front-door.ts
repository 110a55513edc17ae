import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import type { Duplex } from 'node:stream';

export type RequestListener = (request: IncomingMessage, response: ServerResponse) => void;
export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export interface FrontDoorOptions {
  readonly onRequest: RequestListener;
  /** WebSocket and other upgrades; they are refused with 501 when left out. */
  readonly onUpgrade?: UpgradeListener;
  /** A connection must say its first bytes, and send the head of a request, within this time. */
  readonly headTimeoutMs?: number;
  /** An idle connection is closed after this time. */
  readonly idleTimeoutMs?: number;
}

const windowBytes = 16 * 1024 * 1024;
/** Well below the usual bound of open files; further connections are closed at once. */
const maximumConnections = 10_000;
/** First bytes of the HTTP/2 connection preface (RFC 9113 §3.4). */
const preface = Buffer.from('PRI * HTTP/2.0');

const refuseUpgrade: UpgradeListener = (_request, socket) => {
  socket.on('error', () => undefined);
  socket.end('HTTP/1.1 501 Not Implemented\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
};

const refuseMalformed = (error: NodeJS.ErrnoException, socket: Duplex): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
};

/**
 * One port for HTTP/1.1, upgrades, and HTTP/2 in clear text with prior knowledge (API §1.2). The first bytes of a connection decide. For TLS
 * the same two servers would be fed by ALPN instead.
 */
export class FrontDoor {
  readonly #http1: http.Server;
  readonly #http2: http2.Http2Server;
  readonly #listeners: net.Server[] = [];
  #isClosing = false;
  readonly #sockets = new Set<net.Socket>();
  readonly #sessions = new Set<http2.ServerHttp2Session>();
  readonly #headTimeoutMs: number;

  constructor(options: FrontDoorOptions) {
    this.#headTimeoutMs = options.headTimeoutMs ?? 30_000;
    const idleTimeoutMs = options.idleTimeoutMs ?? 600_000;
    this.#http1 = http.createServer(
      {
        headersTimeout: this.#headTimeoutMs,
        // Uploads may take as long as they make progress; whoever reads a body watches that.
        requestTimeout: 0,
        keepAliveTimeout: Math.min(idleTimeoutMs, 75_000),
        connectionsCheckingInterval: Math.min(5_000, this.#headTimeoutMs),
        maxHeaderSize: 32 * 1024,
      },
      options.onRequest,
    );
    // Starts the watch over head timeouts, which a server of Node begins when it listens itself.
    this.#http1.emit('listening');
    this.#http1.on('upgrade', options.onUpgrade ?? refuseUpgrade);
    this.#http1.on('clientError', refuseMalformed);
    this.#http2 = http2.createServer({
      settings: { maxConcurrentStreams: 1_000, initialWindowSize: windowBytes, maxHeaderListSize: 32 * 1024 },
      maxSessionMemory: 128,
    });
    this.#http2.on('request', options.onRequest as unknown as (...parts: unknown[]) => void);
    this.#http2.on('session', (session) => this.#adopt(session, idleTimeoutMs));
    this.#http2.on('sessionError', () => undefined);
  }

  /** Number of open connections. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Begins to accept, on one more address with each call; resolves with the port in use. Rejects when the address cannot be bound. */
  listen(port: number, address: string): Promise<number> {
    // As Node's own HTTP servers: a client that closes its sending side is answered by an orderly end, and counts as gone.
    const listener = net.createServer({ noDelay: true, allowHalfOpen: true, keepAlive: true }, (socket) =>
      this.#sniff(socket),
    );
    listener.maxConnections = maximumConnections;
    return new Promise((resolve, reject) => {
      listener.once('error', reject);
      listener.listen({ port, host: address, backlog: 1_024 }, () => {
        listener.off('error', reject);
        listener.on('error', () => undefined);
        this.#listeners.push(listener);
        if (this.#isClosing) {
          listener.close();
        }
        const bound = listener.address();
        resolve(typeof bound === 'object' && bound !== null ? bound.port : port);
      });
    });
  }

  /** Accepts no more, lets running requests end for at most `graceMs`, then breaks what is left. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    const closed = Promise.all(
      this.#listeners.map((listener) => new Promise<void>((resolve) => listener.close(() => resolve()))),
    );
    for (const session of this.#sessions) {
      session.close();
    }
    this.#http1.closeIdleConnections();
    const idleSweep = setInterval(() => this.#http1.closeIdleConnections(), 50);
    const deadline = setTimeout(() => {
      for (const socket of this.#sockets) {
        socket.destroy();
      }
    }, graceMs);
    await closed;
    clearTimeout(deadline);
    clearInterval(idleSweep);
    this.#http1.close();
    this.#http2.close();
  }

  #adopt(session: http2.ServerHttp2Session, idleTimeoutMs: number): void {
    this.#sessions.add(session);
    session.on('close', () => this.#sessions.delete(session));
    session.on('error', () => undefined);
    session.setLocalWindowSize(windowBytes);
    session.setTimeout(idleTimeoutMs, () => session.close());
    if (this.#isClosing) {
      session.close();
    }
  }

  #sniff(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    const silent = setTimeout(() => socket.destroy(), this.#headTimeoutMs);
    const onError = (): void => void socket.destroy();
    const onEnd = (): void => void socket.end();
    const onClose = (): void => clearTimeout(silent);
    socket.on('error', onError);
    socket.on('end', onEnd);
    socket.on('close', onClose);
    let seen: Buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
      const compared = Math.min(seen.length, preface.length);
      const maybeHttp2 = seen.compare(preface, 0, compared, 0, compared) === 0;
      if (maybeHttp2 && compared < preface.length) {
        return;
      }
      clearTimeout(silent);
      socket.pause();
      socket.off('data', onData);
      socket.off('error', onError);
      socket.off('end', onEnd);
      socket.off('close', onClose);
      socket.unshift(seen);
      if (maybeHttp2) {
        // The session takes over the handle and what was put back; a flowing socket would lose it.
        this.#http2.emit('connection', socket);
        // Half-open, it would be taken for a client that has nothing to say for now.
        socket.once('end', () => socket.destroy());
      } else {
        this.#http1.emit('connection', socket);
        socket.resume();
      }
    };
    socket.on('data', onData);
  }
}
