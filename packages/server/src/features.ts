import type { Host } from '@berth/host/contract';
import type { Logger } from 'pino';
import { accountRoutes } from './accounts/routes.ts';
import { AccountService } from './accounts/service.ts';
import { ApiKeyService } from './api-keys/service.ts';
import type { Database } from './database/database.ts';
import type { NotificationHub } from './database/notifications.ts';
import type { Route } from './http/route.ts';
import type { Metrics } from './metrics/metrics.ts';
import { secretRoutes } from './secrets/routes.ts';
import type { SecretService } from './secrets/service.ts';

/** What every feature is built from. */
export interface FeatureParts {
  readonly database: Database;
  readonly hub: NotificationHub;
  readonly host: Host;
  readonly secrets: SecretService;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** One part of the API with what it runs in the background. */
export interface Feature {
  readonly routes: readonly Route[];
  /** Called once the server listens. Must not fail for want of database or host: go on trying. */
  readonly start?: () => Promise<void>;
  /** Ends the background work; resolves when nothing of it is left. */
  readonly stop?: () => Promise<void>;
}

const account = ({ database }: FeatureParts): Feature => ({
  routes: accountRoutes(new AccountService(database), new ApiKeyService(database)),
});

const secrets = (parts: FeatureParts): Feature => ({ routes: secretRoutes(parts.secrets) });

/** Every feature of the server. A new domain adds its own here. */
export const features: ReadonlyArray<(parts: FeatureParts) => Feature> = [account, secrets];
