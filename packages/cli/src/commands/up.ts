import { existsSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { localUrl } from '../http/endpoint.ts';
import { serviceAccount } from '../installation/accounts.ts';
import { ensureInstallation, type Installation, readInstallation } from '../installation/installation.ts';
import { type StatePaths, statePaths } from '../installation/paths.ts';
import { portIsFree, portOwner } from '../installation/ports.ts';
import { prepareState } from '../installation/prepare.ts';
import { rememberSupplies } from '../installation/supplies.ts';
import { CommandFailure } from '../output/failure.ts';
import { formatDuration } from '../output/quantities.ts';
import { bold, green, remark } from '../output/style.ts';
import { listenAddress } from '../supervisor/environment.ts';
import { stayInForeground } from '../supervisor/foreground.ts';
import { launchSupervisor, untilReady } from '../supervisor/launch.ts';
import { logTail } from '../supervisor/log-tail.ts';
import { readSupervisorState, type SupervisorState } from '../supervisor/published-state.ts';

/** A service that failed this often on the way up will not get there by itself. */
const tooManyFailures = 5;

export const parsePort = (text: string): number => {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new InvalidArgumentError('a port is a number from 1 to 65535');
  }
  return port;
};

export const upCommand = (): Command =>
  new Command('up')
    .description('start Berth on this machine, setting up what is missing')
    .option('-d, --detach', 'return when it is ready, and leave it running')
    .option('-p, --port <port>', 'TCP port of the API (8080, or the one used last)', parsePort)
    .addHelpText(
      'after',
      '\nExamples:\n  ./berth up --detach\n  BERTH_STATE=/srv/berth-two ./berth up --detach --port 8090',
    )
    .action(async (options: { detach?: true; port?: number }) => {
      const paths = statePaths();
      const installation = await startInstallation(paths, options.port);
      remark(`${bold('Berth is up')} at ${green(localUrl(installation.port))}`);
      if (options.detach) {
        remark('  eval "$(./berth env)"   ./berth devbox create   ./berth status   ./berth down');
        return;
      }
      await stayInForeground(paths);
    });

/**
 * Starts the installation unless it runs, and waits until it is ready.
 * @throws CommandFailure with the cause and the end of the log when it does not get ready
 */
export const startInstallation = async (paths: StatePaths, wishedPort: number | undefined): Promise<Installation> => {
  const running = readSupervisorState(paths);
  const known = readInstallation(paths);
  const environmentPort = process.env['BERTH_PORT'];
  const port = wishedPort ?? (environmentPort ? parsePort(environmentPort) : undefined);
  if (running !== undefined && known !== undefined && port !== undefined && port !== known.port) {
    throw new CommandFailure(`this Berth runs on port ${known.port}`, {
      hint: 'stop it first: ./berth down --keep-boxes',
    });
  }
  const fresh = !existsSync(paths.apiKey);
  prepareState(paths, serviceAccount());
  if (running === undefined) {
    rememberSupplies(paths);
  }
  const installation = ensureInstallation(paths, port);
  if (running === undefined) {
    await checkPort(paths, installation.port);
    remark(fresh ? 'Starting Berth for the first time' : 'Starting Berth');
  }
  const begin = Date.now();
  const supervisor = running === undefined ? launchSupervisor(paths) : undefined;
  const told = new Set<string>();
  const state = await untilReady(paths, (seen) => tellProgress(seen, begin, running === undefined, told), isHopeless);
  if (state?.phase !== 'ready') {
    throw startFailure(paths, state, state === undefined ? await supervisor?.ended : undefined);
  }
  return installation;
};

const checkPort = async (paths: StatePaths, port: number): Promise<void> => {
  if (await portIsFree(port, listenAddress())) {
    return;
  }
  // A server whose supervisor was killed is taken over, so its port is not in the way.
  const ours = await fetch(`${localUrl(port)}/healthz`, { signal: AbortSignal.timeout(1_000) }).then(
    ({ ok }) => ok && existsSync(`${paths.run}/server.pid`),
    () => false,
  );
  if (!ours) {
    throw new CommandFailure(`port ${port} is taken by ${portOwner(port)}`, {
      hint: 'stop that, or choose another port: ./berth up --port 8090',
    });
  }
};

const tellProgress = (state: SupervisorState, begin: number, starting: boolean, told: Set<string>): void => {
  for (const service of state.services) {
    if (starting && service.phase === 'ready' && !told.has(service.name)) {
      told.add(service.name);
      remark(`  ${green('✓')} ${service.name} (${formatDuration(Math.max(0, service.sinceMs - begin))})`);
    }
    const complaint = `${service.name} ${service.lastFailure}`;
    if (service.lastFailure !== undefined && !told.has(complaint)) {
      told.add(complaint);
      remark(`  ! ${service.name} ${service.lastFailure}; trying again`);
    }
  }
  if (state.problem !== undefined && !told.has(state.problem)) {
    told.add(state.problem);
    remark(`  ! ${state.problem}`);
  }
};

const isHopeless = (state: SupervisorState): boolean =>
  state.services.some(({ phase, failures }) => phase !== 'ready' && failures >= tooManyFailures);

const startFailure = (
  paths: StatePaths,
  state: SupervisorState | undefined,
  end: string | undefined,
): CommandFailure => {
  const failing = state?.services.find(({ phase, failures }) => phase !== 'ready' && failures > 0);
  const name = failing?.name ?? 'supervisor';
  remark(logTail(paths, name, 15));
  if (end === 'held') {
    return new CommandFailure(`another Berth is being started or stopped on ${paths.state}`, {
      hint: './berth status',
    });
  }
  return new CommandFailure(
    failing === undefined
      ? `the supervisor ended: ${end ?? 'see its log'}`
      : `${name} does not start: ${failing.lastFailure}`,
    { hint: `the whole log: ./berth logs ${name}; it keeps on trying until ./berth down` },
  );
};
