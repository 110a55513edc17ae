import { randomBytes } from 'node:crypto';
import type { Server } from 'node:net';
import type { HostError } from '../contract/index.ts';
import type { Spool } from '../spool/spool.ts';
import type { GuestConfiguration } from './guest-box.ts';
import { GuestLink, type LinkEvents } from './guest-link.ts';
import { ask } from './request.ts';
import { listenOn, type SocketOwner } from './socket-listener.ts';

export interface BoxSessionOptions {
  readonly boxId: string;
  readonly socketPath: string;
  readonly socketOwner: SocketOwner | undefined;
  readonly spool: Spool;
  readonly reattach: LinkEvents['reattach'];
  onBreach(detail: string): void;
  onFailed(error: unknown): void;
}

const entropyBytes = 64;

/** The socket and link of a box, and whether its guest knows who it is. */
export class BoxSession {
  readonly link: GuestLink;
  readonly #options: BoxSessionOptions;
  readonly #ready = Promise.withResolvers<void>();
  #server: Server | undefined;
  #configured: boolean;

  constructor(options: BoxSessionOptions) {
    this.#options = options;
    const { boxId, spool } = options;
    const { bootId, configured } = spool.links.boot(boxId);
    this.#configured = configured;
    this.#ready.promise.catch(() => undefined);
    this.link = new GuestLink(spool.links.nextEpoch(boxId), bootId, {
      hello: (newBootId) => this.#hello(newBootId),
      reattach: options.reattach,
      up: () => this.#flow(),
      breach: (detail) => options.onBreach(detail),
      failed: (error) => options.onFailed(error),
    });
  }

  /** Resolves when the guest is connected and configured for the first time. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  async listen(): Promise<void> {
    const { socketPath, socketOwner } = this.#options;
    this.#server ??= await listenOn(socketPath, socketOwner, (socket) => this.link.accept(socket));
  }

  async configure(configuration: GuestConfiguration): Promise<void> {
    const value = {
      hostname: configuration.hostname,
      environment: { ...configuration.environment },
      user: configuration.user,
      nameservers: [...configuration.nameservers],
      hosts: configuration.hosts.map(({ address, names }) => ({ address, names: [...names] })),
      memoryBytes: BigInt(configuration.memoryBytes),
      machineId: configuration.machineId,
      prepare: configuration.prepare ?? false,
      entropy: randomBytes(entropyBytes),
      clockUnixNs: BigInt(Date.now()) * 1_000_000n,
    };
    // A guest that gets a new identity runs nothing for it before it has it.
    this.#configured = false;
    this.link.closeGate();
    await ask(this.link, { case: 'configure', value }, { urgent: true });
    this.#options.spool.links.setConfigured(this.#options.boxId);
    this.#configured = true;
    this.#flow();
  }

  /** Nothing but `configure` goes to a guest until it is configured once more, though it was before. */
  forgetConfiguration(): void {
    this.#options.spool.links.clearConfigured(this.#options.boxId);
    this.#configured = false;
    this.link.closeGate();
  }

  /** No guest can dial any more; the present connection stays. */
  stopListening(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  /** Ends everything on the link with this error. */
  end(error: HostError): void {
    this.stopListening();
    this.link.end(error);
    this.#ready.reject(error);
  }

  #hello(bootId: string): void {
    const { boxId, spool } = this.#options;
    if (spool.links.boot(boxId).bootId !== bootId) {
      spool.links.setBoot(boxId, bootId);
      this.#configured = false;
      this.link.closeGate();
    }
  }

  #flow(): void {
    if (this.#configured && this.link.connected) {
      this.link.openGate();
      this.#ready.resolve();
    }
  }
}
