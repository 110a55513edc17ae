import { HostError } from '@berth/host/contract';
import { type MountPlace, mountKind } from './mount-kind.ts';

interface FilePlan {
  readonly target: string;
  readonly content: string;
}

/** Rows of an older version hold all files of a box as one mount. */
interface FilesPlan {
  readonly files: Readonly<Record<string, string>>;
}

async function* oneChunk(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** The user's own file; where that one may not write, root places it. */
const placeFile = async ({ host, box }: MountPlace, target: string, content: string, signal: AbortSignal) => {
  try {
    await host.writeFile(box.id, target, oneChunk(content), { makeParents: true }, signal);
  } catch (error) {
    if (!(error instanceof HostError) || error.code !== 'permissionDenied') {
      throw error;
    }
    await host.writeFile(box.id, target, oneChunk(content), { makeParents: true, user: 'root' }, signal);
  }
};

const filesOf = (plan: FilePlan | FilesPlan): Array<[string, string]> =>
  'files' in plan ? Object.entries(plan.files) : [[plan.target, plan.content]];

/** A text file, whole in the request. */
export const fileMount = mountKind<'file_mount', FilePlan | FilesPlan>({
  type: 'file_mount',
  plan: (_account, { target, content }) => ({ target, content }),
  describe: (plan) =>
    `file mount ${filesOf(plan)
      .map(([target]) => target)
      .join(', ')}`,
  place: async (place, plan, signal) => {
    for (const [target, content] of filesOf(plan)) {
      await placeFile(place, target, content, signal);
    }
  },
});
