import { mountKind } from './mount-kind.ts';

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
  place: async ({ host, box }, plan, signal) => {
    for (const [target, content] of filesOf(plan)) {
      await host.writeFile(box.id, target, oneChunk(content), { makeParents: true, place: true }, signal);
    }
  },
});
