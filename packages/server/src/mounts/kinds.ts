import { AgentStore } from '../agents/store.ts';
import type { FeatureParts } from '../feature.ts';
import type { ObjectParts } from '../objects/parts.ts';
import { type AgentObjects, agentMount } from './agent-mount.ts';
import { codeMount } from './code-mount.ts';
import { fileMount } from './file-mount.ts';
import type { MountKind } from './mount-kind.ts';
import { objectMount, requireMountable } from './object-mount.ts';
import { placeObject } from './place-object.ts';

const agentObjects = ({ store, content }: ObjectParts): AgentObjects => ({
  require: (account, id) => requireMountable(store, account, id),
  place: (place, id, path, signal) => placeObject(content, place, id, path, signal),
});

/** Every kind of mount of the server. A new one adds its own here. */
export const mountKinds = (parts: FeatureParts): readonly MountKind[] => [
  fileMount,
  objectMount(parts.objects),
  codeMount(parts),
  agentMount({ ...parts, agents: new AgentStore(parts.database), objects: agentObjects(parts.objects) }),
];
