import type { BlueprintFailureReason } from '@berth/contract';
import type { BuildState } from '@berth/host/contract';
import type { BuiltImage } from './keeper-store.ts';

/** What the end of a build means: an image, a failure, or that it has to be done again. */
export type BuildEnd =
  | { readonly image: BuiltImage }
  | { readonly reason: BlueprintFailureReason; readonly message: string }
  | 'lost';

const reasons: Readonly<Record<string, BlueprintFailureReason>> = {
  out_of_memory: 'out_of_memory',
  out_of_disk: 'out_of_disk',
};

const words: Readonly<Record<string, string>> = {
  out_of_memory: 'the build ran out of memory',
  out_of_disk: 'the build ran out of disk',
  timed_out: 'the build took too long',
  base_unavailable: 'the base image cannot be had',
  context_invalid: 'the build context cannot be used',
};

/** Reads the last state of a build. */
export const endOf = (state: BuildState): BuildEnd => {
  if (state.phase === 'complete') {
    return state.image === undefined
      ? { reason: 'build_failed', message: 'the host no longer has the image' }
      : { image: { sizeBytes: state.image.sizeBytes, standIn: state.image.standIn ?? null } };
  }
  if (state.phase === 'cancelled') {
    return { reason: 'build_failed', message: 'cancelled' };
  }
  if (state.failure === 'host_lost') {
    return 'lost';
  }
  const failure = state.failure ?? 'internal';
  const message = [words[failure], state.detail].filter((text) => text !== undefined && text !== '').join(': ');
  return { reason: reasons[failure] ?? 'build_failed', message: message === '' ? 'the build failed' : message };
};
