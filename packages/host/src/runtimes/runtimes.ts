import { HostError, type Isolation } from '../contract/index.ts';
import type { Runtime } from './runtime.ts';

/** The runtimes of a host, one a grade of isolation. */
export class Runtimes {
  readonly #byGrade: ReadonlyMap<Isolation, Runtime>;

  constructor(byGrade: Partial<Record<Isolation, Runtime>>) {
    this.#byGrade = new Map(Object.entries(byGrade) as Array<[Isolation, Runtime]>);
  }

  get(isolation: Isolation): Runtime | undefined {
    return this.#byGrade.get(isolation);
  }

  /** @throws HostError `isolationUnavailable` */
  require(isolation: Isolation): Runtime {
    const runtime = this.#byGrade.get(isolation);
    if (!runtime) {
      throw new HostError('isolationUnavailable', `this host has no runtime for the grade ${isolation}`);
    }
    return runtime;
  }
}
