import { quoted } from './box-step.ts';

/** A package of npm or pip for everybody in the box. */
export interface PackageWish {
  readonly name: string;
  readonly version?: string;
  readonly registryUrl?: string;
}

/** A package with the installer that it is of. */
export type PackageInstallation = PackageWish & { readonly kind: 'npm' | 'pip' };

/** `root COMMAND…` runs it as root, with the path of the box's user. */
const asRoot = 'root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n env PATH="$PATH" HOME=/root "$@"; fi; }';

/** What npm and pip say of a registry that may be there again in a moment. */
const weather = [
  'ETIMEDOUT|ECONNRESET|ECONNREFUSED|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|EPIPE|EINTEGRITY',
  'code E(429|5[0-9][0-9])|HTTP error (429|5[0-9][0-9])|socket hang up|timed out|IncompleteRead',
  'connection (error|broken|reset|aborted|refused)|temporary failure|network is unreachable',
].join('|');

/** `patiently COMMAND…` runs it once more when it failed for the weather. What it says on its standard error comes with its end. */
const patiently = [
  'patiently() {',
  '  words=$(mktemp)',
  '  "$@" 2> "$words"; status=$?',
  '  cat "$words" >&2',
  `  if [ "$status" != 0 ] && grep -Eqi '${weather}' "$words"; then`,
  "    echo 'the registry may be back in a moment: once more' >&2",
  '    sleep 3',
  '    "$@"; status=$?',
  '  fi',
  '  rm -f -- "$words"',
  '  return "$status"',
  '}',
].join('\n');

/** A version of its own stands behind the name; a name that has one already keeps it. */
const npmSpec = ({ name, version }: PackageWish): string =>
  version === undefined || name.lastIndexOf('@') > 0 ? name : `${name}@${version}`;

/**
 * Line of bash that installs a package of npm so that its programs are on the path. Nothing is left but the package: the cache of npm, as large
 * again, goes.
 */
export const npmInstall = (wish: PackageWish): string =>
  [
    `command -v npm > /dev/null || { echo 'the image has no npm' >&2; exit 1; }`,
    asRoot,
    patiently,
    // A prefix of the user's own, as nvm has, is written by the user.
    '[ ! -w "$(npm prefix --global)/lib/node_modules" ] || root() { "$@"; }',
    'cache=$(mktemp -d)',
    `patiently root npm install --global --no-audit --no-fund --no-update-notifier --loglevel=error --cache "$cache"${
      wish.registryUrl === undefined ? '' : ` --registry=${quoted(wish.registryUrl)}`
    } -- ${quoted(npmSpec(wish))}`,
    'status=$?',
    'root rm -rf -- "$cache"',
    'exit $status',
  ].join('\n');

/** A number is one version; anything else already says how it is to be compared. */
const pipSpec = ({ name, version }: PackageWish): string =>
  version === undefined || /[=<>~!@]/.test(name)
    ? name
    : /^\d/.test(version)
      ? `${name}==${version}`
      : `${name}${version}`;

/** Line of bash that installs a package of pip for the whole system. */
export const pipInstall = (wish: PackageWish): string =>
  [
    `python3 -m pip --version > /dev/null 2>&1 || { echo 'the image has no pip' >&2; exit 1; }`,
    asRoot,
    patiently,
    `patiently root env PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore python3 -m pip install --no-input --no-cache-dir --quiet --disable-pip-version-check${
      wish.registryUrl === undefined ? '' : ` --index-url ${quoted(wish.registryUrl)}`
    } -- ${quoted(pipSpec(wish))}`,
  ].join('\n');

/** Line of bash that installs it. */
export const installCommand = (wish: PackageInstallation): string =>
  wish.kind === 'npm' ? npmInstall(wish) : pipInstall(wish);

const minuteMs = 60_000;
const weekMs = 7 * 24 * 60 * minuteMs;

/** For how long an installation is as good as a new one: what names no exact version may mean another one soon. */
export const keptMs = ({ version, name }: PackageInstallation): number =>
  version !== undefined && /^\d+(\.\d+)+/.test(version) && !/[=<>~!*^|\s]/.test(version + name)
    ? weekMs
    : 10 * minuteMs;
