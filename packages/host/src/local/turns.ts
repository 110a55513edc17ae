/** Lets tasks that share a name run one after the other, in order of arrival. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  run<Result>(name: string, task: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(name);
    const result = before === undefined ? task() : before.then(task);
    const over = result.then(
      () => undefined,
      () => undefined,
    );
    this.#last.set(name, over);
    void over.then(() => {
      if (this.#last.get(name) === over) {
        this.#last.delete(name);
      }
    });
    return result;
  }
}
