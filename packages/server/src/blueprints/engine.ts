import type { FeatureParts } from '../feature.ts';
import { BuildRequests } from './build-requests.ts';
import { BlueprintKeeper, type BlueprintKeeperParts } from './keeper.ts';
import { BlueprintKeeperStore } from './keeper-store.ts';
import { BlueprintListStore } from './list-store.ts';
import { BlueprintLogs } from './logs.ts';
import { addBlueprintMetrics } from './metrics.ts';
import { objectContexts } from './object-contexts.ts';
import { BlueprintService } from './service.ts';
import { ServiceImages } from './service-images.ts';
import { defaultBlueprintSettings } from './settings.ts';
import { BlueprintSources } from './sources.ts';
import { BlueprintStore } from './store.ts';

/** Blueprints: what callers ask of them, and the keeper that has them built. */
export const blueprintEngine = (parts: FeatureParts, onRemoved: BlueprintKeeperParts['onRemoved']) => {
  const { database, hub, host, secrets, log } = parts;
  const codeOrigin = parts.repositories.settings.githubUrl.replace(/\/+$/, '');
  const settings = { ...defaultBlueprintSettings, ...parts.blueprints, codeOrigin };
  const contexts = objectContexts(parts.objects);
  addBlueprintMetrics(parts);
  const store = new BlueprintStore(database, hub);
  const keeper = new BlueprintKeeper({
    host,
    store: new BlueprintKeeperStore(database, hub),
    requests: new BuildRequests({ secrets, contexts, repositories: parts.repositories, settings }),
    services: new ServiceImages({ host, settings }),
    hub,
    log,
    firstPauseMs: settings.firstPauseMs,
    onRemoved,
  });
  const service = new BlueprintService({
    store,
    lists: new BlueprintListStore(database),
    secrets,
    contexts,
    limits: parts.limits,
    settings,
    onUnsettled: (id) => keeper.nudge(id),
  });
  return {
    store,
    sources: new BlueprintSources(store),
    keeper,
    service,
    logs: new BlueprintLogs({ host, hub, require: (account, id) => service.require(account, id) }),
  };
};
