import { openDownload } from '../devboxes/download.ts';
import { type ApiClient, ApiFailure } from '../http/client.ts';
import { CommandFailure } from '../output/failure.ts';

/** Results are texts that people and programs read whole; anything larger belongs into an object store. */
const resultLimitBytes = 16 * 1024 * 1024;

/**
 * The result file an agent left, as text; undefined when there is none.
 * @throws CommandFailure when it is too large
 */
export const readResult = async (client: ApiClient, devbox: string, path: string): Promise<string | undefined> => {
  try {
    const { body } = await openDownload(client, devbox, path);
    const parts: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const bytes of body as AsyncIterable<Uint8Array>) {
      sizeBytes += bytes.byteLength;
      if (sizeBytes > resultLimitBytes) {
        throw new CommandFailure(`${path} is larger than ${resultLimitBytes} bytes`);
      }
      parts.push(bytes);
    }
    return Buffer.concat(parts).toString('utf8');
  } catch (error) {
    if (error instanceof ApiFailure && (error.code === 'fileNotFound' || error.code === 'devboxNotRunning')) {
      return undefined;
    }
    throw error;
  }
};
