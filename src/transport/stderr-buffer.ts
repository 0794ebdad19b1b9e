/** Bytes of stderr that are kept of one exec. */
export const STDERR_LIMIT = 64 * 1024;

/** Collects stderr up to `STDERR_LIMIT`; the rest is read and dropped, so that the remote side never blocks on it. */
export class StderrBuffer {
  readonly #chunks: Buffer[] = [];
  #size = 0;

  add(chunk: Buffer): void {
    const part = chunk.subarray(0, STDERR_LIMIT - this.#size);
    if (part.length === 0) return;
    this.#chunks.push(part);
    this.#size += part.length;
  }

  /** Decoded at once, because a chunk may end inside a character. */
  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}
