import { chmodSync, chownSync, rmSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { pino } from 'pino';
import { readConfiguration } from './local/configuration.ts';
import { takeLock } from './local/lock-file.ts';
import { openLocalHost } from './local/open-local-host.ts';
import { StatePaths } from './local/state-paths.ts';
import { HostServer } from './rpc/server.ts';

/** The host process: LocalHost behind $BERTH_STATE/run/host.sock. Ends on SIGTERM; boxes go on. */
async function main(): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new Error('the host process needs root');
  }
  const configuration = await readConfiguration(process.env);
  const paths = new StatePaths(configuration.stateDirectory);
  paths.checkLengths();
  await mkdir(paths.run, { recursive: true, mode: 0o755 });
  const unlock = takeLock(paths.lock);
  const log = pino({ level: configuration.logLevel, base: { process: 'host' } });
  const exitWith = (error: unknown) => {
    log.fatal({ error: error instanceof Error ? error.stack : String(error) }, 'unexpected failure');
    unlock();
    process.exit(1);
  };
  process.on('uncaughtException', exitWith);
  process.on('unhandledRejection', exitWith);

  const host = await openLocalHost(configuration, log);
  const server = new HostServer(host, {
    onFault: (method, error) => log.error({ method, error: String(error) }, 'call failed'),
  });
  rmSync(paths.socket, { force: true });
  await server.listen(paths.socket);
  chmodSync(paths.socket, 0o660);
  const group = await groupId('berth');
  if (group !== undefined) {
    chownSync(paths.socket, 0, group);
  }
  log.info({ socket: paths.socket }, 'host serves');

  let ending = false;
  const end = async (signal: string) => {
    if (!ending) {
      ending = true;
      log.info({ signal }, 'host ends; boxes go on');
      await server.close();
      await host.close();
      unlock();
      process.exit(0);
    }
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => void end(signal).catch(exitWith));
  }
}

async function groupId(name: string): Promise<number | undefined> {
  const groups = await readFile('/etc/group', 'utf8').catch(() => '');
  const id = groups
    .split('\n')
    .find((line) => line.startsWith(`${name}:`))
    ?.split(':')[2];
  return id === undefined ? undefined : Number(id);
}

main().catch((error: unknown) => {
  process.stderr.write(`berth host: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
