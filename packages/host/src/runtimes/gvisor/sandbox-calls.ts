import { join } from 'node:path';
import type { RuntimeCall } from '../../helper/protocol.ts';

/**
 * What runsc's commands ask of the sandbox of a box (its `runsc/boot/controller.go`, `pkg/sentry/control/state.go`), `stateFile` being where they note what
 * became of it. A sandbox that does not know a call says so, and takes no harm.
 */
export const pauseCall = (stateFile: string): RuntimeCall => ({
  state: stateFile,
  method: 'containerManager.Pause',
  argument: null,
  from: 'running',
  to: 'paused',
});

export const unpauseCall = (stateFile: string): RuntimeCall => ({
  state: stateFile,
  method: 'containerManager.Resume',
  argument: null,
  from: 'paused',
  to: 'running',
});

export const checkpointCall = (stateFile: string, directory: string, direct: boolean): RuntimeCall => ({
  state: stateFile,
  method: 'containerManager.Checkpoint',
  argument: { metadata: { compression: 'none' }, have_pages_file: true, Resume: true },
  files: [
    { path: join(directory, 'checkpoint.img') },
    { path: join(directory, 'pages_meta.img') },
    { path: join(directory, 'pages.img'), direct },
  ],
  from: 'paused',
});
