import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** A table whose rows are objects: `columns` names the column of each key, the primary key first; keys in `json` are kept as JSON. */
export class RowTable<Row extends object> {
  readonly #columns: ReadonlyArray<readonly [keyof Row, string]>;
  readonly #json: ReadonlySet<keyof Row>;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #select: StatementSync;

  constructor(
    database: DatabaseSync,
    table: string,
    columns: Readonly<Record<keyof Row, string>>,
    json: ReadonlyArray<keyof Row>,
  ) {
    this.#columns = Object.entries(columns) as Array<[keyof Row, string]>;
    this.#json = new Set(json);
    const names = this.#columns.map(([, name]) => name);
    const [primary] = names;
    this.#put = database.prepare(
      `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})
       ON CONFLICT (${primary}) DO UPDATE SET ${names.map((name) => `${name} = excluded.${name}`).join(', ')}`,
    );
    this.#delete = database.prepare(`DELETE FROM ${table} WHERE ${primary} = ?`);
    this.#select = database.prepare(`SELECT ${names.join(', ')} FROM ${table}`);
  }

  /** Durable when it returns. */
  put(row: Row): void {
    this.#put.run(...this.#columns.map(([key]) => this.#toColumn(key, row[key])));
  }

  delete(primary: string): void {
    this.#delete.run(primary);
  }

  all(): Row[] {
    return this.#select.all().map((row) => {
      const entries = this.#columns.map(([key, name]) => [key, this.#fromColumn(key, row[name])]);
      return Object.fromEntries(entries);
    });
  }

  #toColumn(key: keyof Row, value: unknown): string | number | null {
    if (this.#json.has(key)) {
      return JSON.stringify(value);
    }
    return typeof value === 'string' || typeof value === 'number' ? value : null;
  }

  #fromColumn(key: keyof Row, value: unknown): unknown {
    return this.#json.has(key) ? JSON.parse(String(value)) : (value ?? undefined);
  }
}
