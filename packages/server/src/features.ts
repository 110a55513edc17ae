import { accountRoutes } from './accounts/routes.ts';
import { AccountService } from './accounts/service.ts';
import { agentFeature } from './agents/feature.ts';
import { ApiKeyService } from './api-keys/service.ts';
import { devboxFeature } from './devboxes/feature.ts';
import type { Feature, FeatureParts } from './feature.ts';
import { objectFeature } from './objects/feature.ts';
import { secretRoutes } from './secrets/routes.ts';

const account = ({ database, accountSettings }: FeatureParts): Feature => ({
  routes: accountRoutes(new AccountService(database), accountSettings, new ApiKeyService(database)),
});

const secrets = (parts: FeatureParts): Feature => ({ routes: secretRoutes(parts.secrets) });

/** Every feature of the server. A new domain adds its own here. */
export const features: ReadonlyArray<(parts: FeatureParts) => Feature> = [
  account,
  secrets,
  agentFeature,
  objectFeature,
  devboxFeature,
];
