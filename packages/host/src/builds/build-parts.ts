import type { BuildState } from '../contract/index.ts';
import type { HelperClient } from '../helper/helper-client.ts';
import type { HostParts } from '../local/host-parts.ts';
import type { BuildConfiguration } from './build-configuration.ts';

/** What others do to a sandbox that runs. */
export interface RunningSandbox {
  readonly running: { readonly pid: number; readonly netSlot: number } | undefined;
  exited(pid: number, waitStatus: number | null): void;
  watch(helper: Pick<HelperClient, 'call'>): Promise<void>;
}

/** What the pieces of the builder share. */
export interface BuildParts
  extends Pick<
    HostParts,
    | 'builds'
    | 'cgroups'
    | 'configuration'
    | 'helper'
    | 'log'
    | 'machine'
    | 'nameserver'
    | 'paths'
    | 'process'
    | 'readySandboxes'
    | 'snapshotStore'
    | 'store'
  > {
  readonly settings: BuildConfiguration;
  /** Outer id of root in builds. */
  readonly ownerBase: number;
  /** Those that run, by their place. */
  readonly sandboxes: Map<string, RunningSandbox>;
  emit(state: BuildState): void;
  /** No box will be asked for on this layer any more. */
  release(layer: string): Promise<void>;
}

/** Begins the names of what a build has on the machine beside boxes: cgroup, container, watch. No box is named so. */
const PREFIX = 'b.';

export const placeOf = (buildId: string): string => `${PREFIX}${buildId}`;

/** The build in this place; undefined for those of boxes. */
export const buildAt = (place: string): string | undefined =>
  place.startsWith(PREFIX) ? place.slice(PREFIX.length) : undefined;
