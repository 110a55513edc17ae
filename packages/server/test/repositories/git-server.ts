import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A git server on loopback: git's own `http-backend` behind HTTP, with a password for what lies below `/private/`. */
export interface GitServer {
  readonly url: string;
  /** Directory of the repositories: what a `GitRepository` of any process works in. */
  readonly root: string;
  /** `host:port`, for the setting that opens it. */
  readonly host: string;
  /** What was asked for so far: method, path, and whether a credential came along. */
  readonly requests: readonly string[];
  /** Makes a repository at `<owner>/<name>.git`. */
  make(path: string): GitRepository;
  close(): Promise<void>;
}

export const gitToken = 'ghp_token-with/odd+signs';

const environment = {
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
};

/** A repository as its author works on it; what is committed is on the server at once. */
export class GitRepository {
  readonly #work: string;
  readonly #bare: string;

  constructor(root: string, path: string) {
    this.#bare = join(root, 'served', `${path}.git`);
    this.#work = join(root, 'work', path);
    mkdirSync(dirname(this.#bare), { recursive: true });
    mkdirSync(this.#work, { recursive: true });
    this.#run('/', 'init', '--quiet', '--bare', '--initial-branch=main', this.#bare);
    this.git('init', '--quiet', '--initial-branch=main');
    this.git('remote', 'add', 'origin', this.#bare);
  }

  /** Directory of the author's files. */
  get directory(): string {
    return this.#work;
  }

  git(...args: readonly string[]): string {
    return this.#run(this.#work, '-c', 'protocol.file.allow=always', ...args);
  }

  /** Commits the files and pushes everything. Returns the commit. */
  commit(files: Readonly<Record<string, string | Buffer>>, message = 'change'): string {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.#work, path)), { recursive: true });
      writeFileSync(join(this.#work, path), content);
    }
    this.git('add', '--all');
    this.git('commit', '--quiet', '--allow-empty', '-m', message);
    this.push();
    return this.git('rev-parse', 'HEAD').trim();
  }

  push(): void {
    this.git('push', '--quiet', '--force', '--all', 'origin');
    this.git('push', '--quiet', '--force', '--tags', 'origin');
  }

  #run(directory: string, ...args: readonly string[]): string {
    return execFileSync('git', args, {
      cwd: directory,
      env: environment,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
}

const serve = (root: string, request: IncomingMessage, response: ServerResponse): void => {
  const url = new URL(request.url ?? '/', 'http://git');
  const backend = spawn('git', ['http-backend'], {
    env: {
      ...environment,
      GIT_PROJECT_ROOT: join(root, 'served'),
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: request.method ?? 'GET',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: String(request.headers['content-encoding'] ?? ''),
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      // Answers of http-backend need to know who pushes; nobody does.
      REMOTE_ADDR: '127.0.0.1',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  request.pipe(backend.stdin);
  backend.stdin.on('error', () => undefined);
  let head = Buffer.alloc(0);
  const onHead = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) {
      return;
    }
    backend.stdout.off('data', onHead);
    let status = 200;
    for (const line of head.subarray(0, end).toString('utf8').split('\r\n')) {
      const [name = '', value = ''] = line.split(/: */, 2);
      if (name === 'Status') {
        status = Number(value.split(' ')[0]);
      } else {
        response.setHeader(name, value);
      }
    }
    response.writeHead(status);
    response.write(head.subarray(end + 4));
    backend.stdout.pipe(response);
  };
  backend.stdout.on('data', onHead);
};

/** Starts one in a directory of its own. */
export const startGitServer = async (): Promise<GitServer> => {
  const root = mkdtempSync(join(tmpdir(), 'git-server-'));
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://git').pathname;
    requests.push(`${request.method} ${path}${request.headers.authorization === undefined ? '' : ' with credential'}`);
    const [, password] = Buffer.from(request.headers.authorization?.replace(/^Basic /, '') ?? '', 'base64')
      .toString('utf8')
      .split(/:(.*)/s);
    if (path.startsWith('/private/') && password !== gitToken) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    serve(root, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    host: `127.0.0.1:${port}`,
    root,
    requests,
    make: (path) => new GitRepository(root, path),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(root, { recursive: true, force: true });
    },
  };
};
