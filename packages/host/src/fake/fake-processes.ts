import type { FakeShell } from './interpreter.ts';

interface NamedShell {
  readonly shell: FakeShell;
  last: Promise<void>;
}

/**
 * What of a fake box is not disk: its named shells, and what its commands do. While frozen nothing that a command does is seen; it is kept, and done
 * when the processes go on, or never when they do not.
 */
export class FakeProcesses {
  readonly #shells = new Map<string, NamedShell>();
  readonly #kept: Array<() => void> = [];
  #frozen = false;

  /** Shells of that name run one command after the other. */
  inShell(name: string, home: string, command: (shell: FakeShell) => Promise<void>): void {
    const named = this.#shells.get(name) ?? { shell: newShell(home), last: Promise.resolve() };
    this.#shells.set(name, named);
    named.last = named.last.then(() => command(named.shell));
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  /** Does what a command does, now or when the processes go on; one that fails then fails unseen. */
  act(deed: () => void): void {
    if (!this.#frozen) {
      deed();
      return;
    }
    this.#kept.push(() => {
      try {
        deed();
      } catch {}
    });
  }

  freeze(): void {
    this.#frozen = true;
  }

  /** The processes go on where they stood. */
  thaw(): void {
    this.#frozen = false;
    for (const deed of this.#kept.splice(0)) {
      deed();
    }
  }

  /** All processes are gone, and what they would have done with them. */
  end(): void {
    this.#frozen = false;
    this.#kept.length = 0;
    this.#shells.clear();
  }

  /** The same shells, idle: commands that run in them are not doubled. */
  copy(): FakeProcesses {
    const copy = new FakeProcesses();
    for (const [name, { shell }] of this.#shells) {
      copy.#shells.set(name, {
        shell: { directory: shell.directory, variables: new Map(shell.variables) },
        last: Promise.resolve(),
      });
    }
    return copy;
  }
}

export const newShell = (home: string): FakeShell => ({ directory: home, variables: new Map() });
