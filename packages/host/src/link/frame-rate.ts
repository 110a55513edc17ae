const windowMs = 50;
const framesPerWindow = 5_000;

/** Keeps one guest from taking up the host with a flood of frames: 100,000 a second, then it has to wait. */
export class FrameRate {
  #windowStartMs = 0;
  #frames = 0;

  /**
   * Counts frames.
   * @returns for how many milliseconds nothing more is to be read
   */
  count(frames: number, nowMs: number): number {
    if (nowMs - this.#windowStartMs >= windowMs) {
      this.#windowStartMs = nowMs;
      this.#frames = 0;
    }
    this.#frames += frames;
    return this.#frames > framesPerWindow ? this.#windowStartMs + windowMs - nowMs : 0;
  }
}
