import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { HostError, type OutputStream } from '../contract/index.ts';
import { type CommandFiles, ExecutionStore } from './execution-store.ts';
import { FilePool } from './file-pool.ts';
import { LinkStore } from './link-store.ts';
import { LogStore } from './log-store.ts';
import { createSpoolTables } from './schema.ts';

export interface SpoolOptions {
  /** Folder of the output files; made when missing. */
  readonly directory: string;
  /** From `openHostDatabase`; stays open when the spool is closed. */
  readonly database: DatabaseSync;
  /** Bound of files held open; 1,500 when left out. */
  readonly maxOpenFiles?: number;
  /** Bound of the output of all executions of one box; 4 GiB when left out. At the bound, processes block in their writes until they are killed. */
  readonly maxOutputBytesPerBox?: number;
}

const defaultMaxOpenFiles = 1_500;
const defaultMaxOutputBytes = 4 * 1024 ** 3;
const boxIdPattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;
const extensions = { stdout: 'out', stderr: 'err' } as const;

/**
 * What the host keeps of executions: rows in its database, bytes of output in `<directory>/<boxId>/<seq>.out|.err` (made at the first byte),
 * and beside each its time index. One for all boxes of a host.
 */
export class Spool {
  readonly #directory: string;
  readonly pool: FilePool;
  readonly executions: ExecutionStore;
  readonly links: LinkStore;
  readonly logs: LogStore;
  readonly maxOutputBytesPerBox: number;

  constructor(options: SpoolOptions) {
    this.#directory = options.directory;
    this.maxOutputBytesPerBox = options.maxOutputBytesPerBox ?? defaultMaxOutputBytes;
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    createSpoolTables(options.database);
    this.pool = new FilePool(options.maxOpenFiles ?? defaultMaxOpenFiles);
    this.executions = new ExecutionStore(options.database, this.#commandFiles());
    this.links = new LinkStore(options.database);
    this.logs = new LogStore(options.database);
  }

  /** Folder of one box. @throws HostError `boxNotFound` for an id that cannot name a folder */
  boxDirectory(boxId: string): string {
    if (!boxIdPattern.test(boxId)) {
      throw new HostError('boxNotFound', 'malformed box id');
    }
    return join(this.#directory, boxId);
  }

  outputPath(boxId: string, seq: number, stream: OutputStream): string {
    return join(this.boxDirectory(boxId), `${seq}.${extensions[stream]}`);
  }

  indexPath(boxId: string, seq: number, stream: OutputStream): string {
    return join(this.boxDirectory(boxId), `${seq}.${extensions[stream]}.idx`);
  }

  /** Bytes of an output on the disk; 0 when there is no file. */
  outputSize(boxId: string, seq: number, stream: OutputStream): number {
    return statSync(this.outputPath(boxId, seq, stream), { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Deletes everything of a box. Idempotent. */
  async forget(boxId: string): Promise<void> {
    const directory = this.boxDirectory(boxId);
    this.executions.forget(boxId);
    this.links.forget(boxId);
    this.logs.forget(boxId);
    await rm(directory, { recursive: true, force: true });
  }

  /** Closes the files; what was written stays. */
  close(): void {
    this.pool.close();
  }

  #commandFiles(): CommandFiles {
    const path = (boxId: string, seq: number): string => join(this.boxDirectory(boxId), `${seq}.cmd`);
    return {
      write: (boxId, seq, command) => {
        mkdirSync(this.boxDirectory(boxId), { recursive: true, mode: 0o700 });
        writeFileSync(path(boxId, seq), command, { mode: 0o600 });
      },
      read: (boxId, seq) => readFileSync(path(boxId, seq), 'utf8'),
    };
  }
}
