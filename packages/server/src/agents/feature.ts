import { setTimeout as delay } from 'node:timers/promises';
import type { Feature, FeatureParts } from '../feature.ts';
import { readReadyMade } from './ready-made.ts';
import { agentRoutes } from './routes.ts';
import { registerReadyMade } from './seed.ts';
import { AgentService } from './service.ts';
import { AgentStore } from './store.ts';

const retryMs = 2_000;

/** Agents: their routes, and at the start the registration of those that come with the installation. */
export const agentFeature = ({ database, log }: FeatureParts): Feature => {
  const stopping = new AbortController();
  let registering: Promise<void> = Promise.resolve();

  const register = async (): Promise<void> => {
    const agents = await readReadyMade();
    while (!stopping.signal.aborted) {
      try {
        await registerReadyMade(database, agents);
        return;
      } catch (error) {
        log.warn({ err: error }, 'the agents of the installation are not registered yet, trying again');
        await delay(retryMs, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
      }
    }
  };

  return {
    routes: agentRoutes(new AgentService(new AgentStore(database))),
    start: async () => {
      registering = register().catch((error: unknown) =>
        log.error({ err: error }, 'the agents of the installation cannot be read'),
      );
    },
    stop: async () => {
      stopping.abort();
      await registering;
    },
  };
};
