import { AgentStore } from '../agents/store.ts';
import { apiError } from '../errors/api-error.ts';
import type { FeatureParts } from '../feature.ts';
import { type AgentObjects, agentMount } from './agent-mount.ts';
import { codeMount } from './code-mount.ts';
import { fileMount } from './file-mount.ts';
import type { MountKind } from './mount-kind.ts';

const noObjects: AgentObjects = {
  require: () => Promise.reject(apiError('notImplemented', { feature: 'mounting an agent that is an object' })),
  place: () => Promise.reject(apiError('notImplemented', { feature: 'mounting an agent that is an object' })),
};

/** Every kind of mount of the server. A new one adds its own here. */
export const mountKinds = (parts: FeatureParts): readonly MountKind[] => [
  fileMount,
  codeMount(parts),
  agentMount({ ...parts, agents: new AgentStore(parts.database), objects: noObjects }),
];
