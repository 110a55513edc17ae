import { join } from 'node:path';

/** Where one installation keeps its things; everything hangs below the state directory. */
export interface StatePaths {
  readonly state: string;
  readonly run: string;
  readonly logs: string;
  readonly postgresData: string;
  readonly postgresSocket: string;
  readonly server: string;
  readonly masterKey: string;
  readonly hostSocket: string;
  readonly apiKey: string;
  readonly installation: string;
  readonly supervisorLock: string;
  readonly supervisorState: string;
  /** What the host found it can isolate boxes by. */
  readonly isolations: string;
  /** Whether it can build images. */
  readonly builds: string;
}

/** The state directory named by `BERTH_STATE`. */
export const stateDirectory = (): string => process.env['BERTH_STATE'] || '/var/lib/berth';

export const statePaths = (state: string = stateDirectory()): StatePaths => ({
  state,
  run: join(state, 'run'),
  logs: join(state, 'logs'),
  postgresData: join(state, 'postgres'),
  postgresSocket: join(state, 'run', 'postgres'),
  server: join(state, 'server'),
  masterKey: join(state, 'server', 'master.key'),
  hostSocket: join(state, 'run', 'host.sock'),
  apiKey: join(state, 'api-key'),
  installation: join(state, 'installation.json'),
  supervisorLock: join(state, 'run', 'supervisor.lock'),
  supervisorState: join(state, 'run', 'supervisor.json'),
  isolations: join(state, 'run', 'isolations.json'),
  builds: join(state, 'run', 'builds.json'),
});

/** File that names the process of one service. */
export const processFile = (paths: StatePaths, name: string): string => join(paths.run, `${name}.pid`);

/** Root of the repository that this program belongs to. */
export const repositoryDirectory = (): string =>
  process.env['BERTH_HOME'] || join(import.meta.dirname, '..', '..', '..', '..');
