/** Most bytes of an upload that the guest has not taken yet: the host keeps them, to send them again when the link drops. */
export const uploadWindowBytes = 2 * 1024 * 1024;

/** Most bytes that are kept at once. */
export const maxKeptBytes = 256 * 1024;

/** An upload of up to this size needs no ring. */
const plainBytes = 256 * 1024;

/**
 * Keeps copies of the bytes of one upload until the guest has them, in a ring: the caller lets no more than `uploadWindowBytes` be unacknowledged,
 * so what is written over is what the guest has.
 */
export class UploadWindow {
  #ring: Buffer | undefined;
  #keptBytes = 0;

  /** @returns the same bytes, in one or two pieces, as they are kept */
  keep(bytes: Uint8Array): Buffer[] {
    const start = this.#keptBytes;
    this.#keptBytes += bytes.length;
    if (this.#ring === undefined && this.#keptBytes <= plainBytes) {
      return [Buffer.from(bytes)];
    }
    this.#ring ??= Buffer.allocUnsafeSlow(uploadWindowBytes);
    const at = start % uploadWindowBytes;
    const first = this.#ring.subarray(at, at + bytes.length);
    first.set(bytes.subarray(0, first.length));
    if (first.length === bytes.length) {
      return [first];
    }
    const second = this.#ring.subarray(0, bytes.length - first.length);
    second.set(bytes.subarray(first.length));
    return [first, second];
  }
}
