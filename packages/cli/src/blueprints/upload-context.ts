import type { ApiClient } from '../http/client.ts';
import { completeObject, createObject, deleteObject } from '../objects/object.ts';
import { uploadTo } from '../objects/transfer.ts';
import type { PackedContext } from './pack-context.ts';

/** An upload that nobody deletes goes after this time: the build that waits for it may be long in line. */
const lifeMs = 7 * 24 * 3_600_000;

/** Makes an object of a packed context, for one build. Gives its id. @throws CommandFailure */
export const uploadContext = async (client: ApiClient, context: PackedContext, name: string): Promise<string> => {
  const wish = { name: `context of ${name}`.slice(0, 1_024), content_type: 'tgz', ttl_ms: lifeMs } as const;
  const { id, upload_url, upload_headers } = await createObject(client, wish);
  try {
    const target = { url: String(upload_url), headers: upload_headers ?? {} };
    await uploadTo(client, target, context.archive, 'context');
    await completeObject(client, id);
    return id;
  } catch (error) {
    await deleteObject(client, id).catch(() => undefined);
    throw error;
  }
};
