import type { FeatureParts } from '../feature.ts';
import { codeMount } from './code-mount.ts';
import { fileMount } from './file-mount.ts';
import type { MountKind } from './mount-kind.ts';

/** Every kind of mount of the server. A new one adds its own here. */
export const mountKinds = (parts: FeatureParts): readonly MountKind[] => [fileMount, codeMount(parts)];
