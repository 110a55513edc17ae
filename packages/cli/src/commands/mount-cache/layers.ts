import { serviceAccount } from '../../installation/accounts.ts';
import { readInstallation } from '../../installation/installation.ts';
import { statePaths } from '../../installation/paths.ts';
import { CommandFailure } from '../../output/failure.ts';
import { formatBytes, formatDuration } from '../../output/quantities.ts';
import { table } from '../../output/table.ts';
import { type MountLayer, mountLayers } from '../../supervisor/services.ts';

/**
 * All layers of this machine's installation, least recently used first; or takes these away, and gives what went. They belong to no account.
 * @throws CommandFailure when there is no installation, its database is away, or for who is not root
 */
export const layersHere = async (remove?: readonly string[]): Promise<readonly MountLayer[]> => {
  const paths = statePaths();
  const installation = readInstallation(paths);
  if (installation === undefined) {
    throw new CommandFailure('there is no Berth on this machine yet', { hint: 'run ./berth up' });
  }
  if (process.getuid?.() !== 0) {
    throw new CommandFailure('only root sees what all accounts share', { hint: 'repeat it with sudo' });
  }
  return mountLayers(paths, installation, serviceAccount(), remove).catch((error: unknown) => {
    throw new CommandFailure(error instanceof Error ? error.message : String(error), {
      hint: 'the database has to run: ./berth up',
    });
  });
};

const since = (timeMs: number): string => formatDuration(Math.max(0, Date.now() - timeMs));

/** Layers for people, in the order given. */
export const layersTable = (layers: readonly MountLayer[]): string =>
  table(
    ['ID', 'SIZE', 'AGE', 'USED BEFORE', 'UPON'],
    layers.map(({ id, status, sizeBytes, madeMs, usedMs, image }) => [
      id,
      status === 'ready' ? formatBytes(sizeBytes) : 'being made',
      since(madeMs),
      since(usedMs),
      image.startsWith('bpt_') ? image : 'the default image',
    ]),
  );

export const totalBytes = (layers: readonly MountLayer[]): number =>
  layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
