import type { BuildFailure } from '../contract/index.ts';
import type { SandboxEnd } from './build-sandbox.ts';

/** How build.sh says that the context could not be unpacked. */
const CONTEXT_INVALID = 10;
/** And that an image could not be pulled. */
const NOT_PULLED = 11;
/** What a full quota leaves: less than this is no room. */
const FULL_SLACK_BYTES = 4 * 1024 * 1024;
const DETAIL_CHARACTERS = 500;

const NO_SPACE = /no space left on device|disk quota exceeded|ENOSPC|EDQUOT/i;
const NO_BASE =
  /image not known|unable to find a name|initializing source|pinging container registry|error creating build container|short-name|manifest unknown|no such host/i;
const REFUSED =
  /unauthorized|authentication required|no basic auth credentials|requested access to the resource is denied/i;
const UNREACHABLE =
  /no such host|connection refused|connection reset|no route to host|network is unreachable|i\/o timeout|slow or silent/i;
const NO_MEMORY = /exit status 137|signal: killed|cannot allocate memory|out of memory/i;

export interface Failure {
  readonly failure: BuildFailure;
  readonly detail: string;
}

/** Why a build ended without an image: what the kernel counted comes first, what the build says about itself last. */
export function explainBuildEnd(
  end: SandboxEnd,
  limits: { readonly diskBytes: number },
  tail: readonly string[],
  couldPull: boolean,
): Failure {
  const text = tail.join('\n');
  const last = tail.toReversed().find((line) => /^(Error: |error )/.test(line)) ?? tail.at(-1) ?? 'nothing was said';
  const detail = last.slice(0, DETAIL_CHARACTERS);
  if (end.oomKills > 0) {
    return { failure: 'out_of_memory', detail: `the build used up its memory: ${detail}` };
  }
  const isFull = end.usedBytes > limits.diskBytes - FULL_SLACK_BYTES;
  if (isFull || NO_SPACE.test(text)) {
    return { failure: 'out_of_disk', detail: `the build used up its disk of ${limits.diskBytes} bytes: ${detail}` };
  }
  if (end.waitStatus !== null && end.waitStatus >> 8 === CONTEXT_INVALID) {
    return { failure: 'context_invalid', detail };
  }
  if (NO_BASE.test(last) || (end.waitStatus !== null && end.waitStatus >> 8 === NOT_PULLED)) {
    return { failure: 'base_unavailable', detail: `${detail}${hintOf(last, couldPull)}` };
  }
  const cause = NO_MEMORY.test(last) ? ' (a process of it was killed)' : '';
  return { failure: 'build_failed', detail: `${detail}${cause}` };
}

/** What the operator of this host can do about it. */
function hintOf(said: string, couldPull: boolean): string {
  if (!couldPull) {
    return ' (no registry can be reached, and this image cannot be made here: BERTH_REGISTRIES_CONF names a mirror)';
  }
  if (REFUSED.test(said)) {
    return ' (its registry wants a login, or has no such image: BERTH_REGISTRIES_AUTH)';
  }
  return UNREACHABLE.test(said) ? ' (a registry in a private network is opened by BERTH_PRIVATE_REGISTRIES)' : '';
}
