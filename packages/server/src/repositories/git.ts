import { spawn } from 'node:child_process';
import { TooLarge } from './growth.ts';
import type { Credential } from './location.ts';
import { RepositoryError } from './repository-error.ts';
import type { RepositorySettings } from './settings.ts';

/** One call of git, by the unprivileged account of the server. */
export interface GitCall {
  readonly args: readonly string[];
  /** The bare repository that it works on. */
  readonly repository?: string;
  readonly credential?: Credential;
  /** URL that the credential belongs to; no other host is told it. */
  readonly credentialUrl?: string;
  /** Value of `http.curloptResolve`. */
  readonly pinned?: string | undefined;
  readonly signal: AbortSignal;
  /** Bound of what it may print. */
  readonly maximumOutputBytes?: number;
}

/** A call of git that went wrong; `text` is what it said, without credentials. */
export class GitFailure extends RepositoryError {
  readonly text: string;

  constructor(text: string) {
    super(
      text
        .replaceAll(/^(fatal|error|remote): */gm, '')
        .trim()
        .split('\n')
        .slice(-3)
        .join('; ')
        .slice(0, 1_000),
    );
    this.text = text;
  }
}

const defaultOutputBytes = 64 * 1024 * 1024;
const maximumErrorBytes = 16 * 1024;
/** Bound of git's memory, mapped packs included. */
const addressSpaceBytes = 4 * 1024 ** 3;

/** Nothing of the remote's is run, followed or trusted further than its bytes. */
const hardening: readonly string[] = [
  'protocol.version=2',
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.askPass=',
  'core.bigFileThreshold=64m',
  'core.packedGitLimit=256m',
  'core.packedGitWindowSize=32m',
  'credential.helper=',
  'fetch.recurseSubmodules=no',
  'fetch.unpackLimit=1',
  'gc.auto=0',
  'maintenance.auto=false',
  'http.followRedirects=false',
  'http.lowSpeedLimit=1000',
  'http.lowSpeedTime=60',
  'pack.threads=2',
  'submodule.recurse=false',
  'transfer.bundleURI=false',
  'safe.directory=*',
];

/** Gives the credential from the environment, so that no list of processes shows it. */
const helper =
  '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "$BERTH_GIT_USERNAME" "$BERTH_GIT_PASSWORD"; }; f';

const passedOn = [
  'PATH',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'GIT_SSL_CAINFO',
  'HTTPS_PROXY',
  'https_proxy',
  'NO_PROXY',
  'no_proxy',
];

const environment = (call: GitCall, settings: RepositorySettings): Record<string, string> => ({
  ...Object.fromEntries(
    passedOn.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name] ?? '']])),
  ),
  HOME: '/nonexistent',
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ALLOW_PROTOCOL: settings.protocols.join(':'),
  ...(call.credential === undefined
    ? {}
    : { BERTH_GIT_USERNAME: call.credential.username, BERTH_GIT_PASSWORD: call.credential.password }),
});

const wordsOf = (call: GitCall, settings: RepositorySettings): string[] => {
  const own = [
    ...hardening,
    ...(call.credential === undefined || call.credentialUrl === undefined
      ? []
      : [`credential.${new URL(call.credentialUrl).origin}.helper=${helper}`]),
    ...(call.pinned === undefined ? [] : [`http.curloptResolve=${call.pinned}`]),
  ];
  return [
    ...['prlimit', `--fsize=${settings.repositoryBytes}`, `--as=${addressSpaceBytes}`, '--core=0'],
    // It ends with the server, however that one ends.
    ...['setpriv', '--pdeathsig', 'KILL', 'git'],
    ...own.flatMap((setting) => ['-c', setting]),
    ...(call.repository === undefined ? [] : ['--git-dir', call.repository]),
    ...call.args,
  ];
};

/** Takes out of git's words what nobody is to read. */
const withoutCredential = (text: string, credential: Credential | undefined): string =>
  [credential?.password, encodeURIComponent(credential?.password ?? '')]
    .filter((secret): secret is string => secret !== undefined && secret !== '')
    .reduce((rest, secret) => rest.replaceAll(secret, '***'), text);

/**
 * Runs git within the bounds of the settings and returns its output.
 * @throws GitFailure with what it said; RepositoryError when it took too long or brought too much; the signal's reason
 */
export const git = (call: GitCall, settings: RepositorySettings): Promise<Buffer> => {
  call.signal.throwIfAborted();
  const { maximumOutputBytes = defaultOutputBytes } = call;
  const [program = 'git', ...words] = wordsOf(call, settings);
  const child = spawn(program, words, {
    env: environment(call, settings),
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: Buffer[] = [];
  let outputBytes = 0;
  let errors = '';
  let timedOut = false;
  const kill = (): void => {
    if (child.pid !== undefined && child.exitCode === null) {
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has just ended.
      }
    }
  };
  const timer = setTimeout(() => {
    timedOut = true;
    kill();
  }, settings.timeoutMs);
  call.signal.addEventListener('abort', kill, { once: true });
  child.stdout.on('data', (chunk: Buffer) => {
    outputBytes += chunk.length;
    outputBytes > maximumOutputBytes ? kill() : output.push(chunk);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-maximumErrorBytes);
  });
  return new Promise<Buffer>((resolve, reject) => {
    child.once('error', (error) => reject(new GitFailure(`git cannot be started: ${error.message}`)));
    child.once('close', (code, signal) => {
      if (call.signal.aborted) {
        reject(call.signal.reason);
      } else if (timedOut) {
        reject(new RepositoryError(`git took longer than ${settings.timeoutMs / 1000} s`));
      } else if (outputBytes > maximumOutputBytes) {
        reject(
          new RepositoryError(`git has more to say than ${maximumOutputBytes} bytes: too many branches, tags or files`),
        );
      } else if (signal === 'SIGXFSZ' || /signal 25|File too large|invalid index-pack output/.test(errors)) {
        reject(new TooLarge(settings.repositoryBytes));
      } else if (code !== 0) {
        reject(new GitFailure(withoutCredential(errors, call.credential) || `git ended with ${code ?? signal}`));
      } else {
        resolve(Buffer.concat(output));
      }
    });
  }).finally(() => {
    clearTimeout(timer);
    call.signal.removeEventListener('abort', kill);
  });
};
