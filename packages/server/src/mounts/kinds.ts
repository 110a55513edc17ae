import type { FeatureParts } from '../feature.ts';
import { fileMount } from './file-mount.ts';
import type { MountKind } from './mount-kind.ts';

/** Every kind of mount of the server. A new one adds its own here. */
export const mountKinds = (_parts: FeatureParts): readonly MountKind[] => [fileMount];
