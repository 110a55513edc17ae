import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { checkout } from '../platform/artifacts.ts';
import { leftovers } from '../platform/leaks.ts';

/** How a command line ended. */
export interface Ending {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One installation in a directory of its own, driven by `./berth` alone. */
export class LaunchedBerth {
  readonly state = mkdtempSync('/tmp/berth-launch-');
  readonly port: number;

  private constructor(port: number) {
    this.port = port;
  }

  static async prepare(): Promise<LaunchedBerth> {
    return new LaunchedBerth(await freePort());
  }

  /**
   * Runs `./berth`, or another program of the checkout, with these words; never rejects for a status.
   * `interruptAfter`: Ctrl-C once it has printed this.
   */
  run(
    words: readonly string[],
    options: { readonly input?: string; readonly interruptAfter?: string; readonly program?: string } = {},
  ): Promise<Ending> {
    const { RUNLOOP_BASE_URL: _url, RUNLOOP_API_KEY: _key, ...environment } = process.env;
    const child = spawn(join(checkout, options.program ?? 'berth'), words, {
      env: { ...environment, BERTH_STATE: this.state, BERTH_PORT: String(this.port), NO_COLOR: '1' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    let interrupted = false;
    const look = (): void => {
      if (options.interruptAfter !== undefined && !interrupted && (stdout + stderr).includes(options.interruptAfter)) {
        interrupted = true;
        child.kill('SIGINT');
      }
    };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      look();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      look();
    });
    child.stdin.on('error', () => undefined).end(options.input ?? '');
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status) => resolve({ status, stdout, stderr }));
    });
  }

  /** Runs `./berth` and gives its standard output; rejects, with what it said, when it fails. */
  async output(...words: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.run(words);
    if (status !== 0) {
      throw new Error(`./berth ${words.join(' ')} ended with ${status}: ${stderr}`);
    }
    return stdout.trim();
  }

  /** Ends everything, and says what is left of it in the kernel. */
  async remove(): Promise<string[]> {
    await this.run(['down', '--all']);
    const left = leftovers(this.state, this.network());
    rmSync(this.state, { recursive: true, force: true });
    return left;
  }

  /** Number of the process that runs a service, from its file; undefined between two lives. */
  processOf(service: 'postgres' | 'host' | 'server'): number | undefined {
    const path = join(this.state, 'run', `${service}.pid`);
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { pid: number }).pid : undefined;
  }

  supervisor(): number {
    const file = readFileSync(join(this.state, 'run', 'supervisor.json'), 'utf8');
    return (JSON.parse(file) as { process: { pid: number } }).process.pid;
  }

  private network(): { interfacePrefix: string } {
    return JSON.parse(readFileSync(join(this.state, 'installation.json'), 'utf8')) as { interfacePrefix: string };
  }
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
