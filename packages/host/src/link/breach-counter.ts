const windowMs = 60_000;
const tolerated = 5;

/** Tells a box that breaks the protocol again and again from one that stumbled. */
export class BreachCounter {
  #times: number[] = [];

  /** @returns whether this was the fifth within 60 s. */
  count(nowMs: number): boolean {
    this.#times = [...this.#times.filter((time) => nowMs - time < windowMs), nowMs];
    return this.#times.length >= tolerated;
  }
}
