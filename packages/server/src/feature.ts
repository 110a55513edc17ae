import type { Host } from '@berth/host/contract';
import type { Logger } from 'pino';
import type { Limits } from './accounts/limits.ts';
import type { AccountSettingsService } from './accounts/settings.ts';
import type { AdmissionSettings } from './admission/settings.ts';
import type { BlueprintSettings } from './blueprints/settings.ts';
import type { Database } from './database/database.ts';
import type { NotificationHub } from './database/notifications.ts';
import type { Route } from './http/route.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { ObjectParts } from './objects/parts.ts';
import type { ReconcilerSettings } from './reconciler/settings.ts';
import type { Repositories } from './repositories/repositories.ts';
import type { SecretService } from './secrets/service.ts';

/** What every feature is built from. */
export interface FeatureParts {
  readonly database: Database;
  readonly hub: NotificationHub;
  readonly host: Host;
  readonly accountSettings: AccountSettingsService;
  readonly limits: Limits;
  readonly secrets: SecretService;
  readonly repositories: Repositories;
  readonly objects: ObjectParts;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Departures from the default settings of the reconciler. */
  readonly reconciler?: Partial<ReconcilerSettings>;
  /** Departures from the default settings of blueprints. */
  readonly blueprints?: Partial<BlueprintSettings>;
  /** Departures from the default settings of admission. */
  readonly admission?: Partial<AdmissionSettings>;
  /** Bound of mounts that are kept to be shared by boxes; 0 keeps none. */
  readonly mountCacheBytes?: number;
}

/** One part of the API with what it runs in the background. */
export interface Feature {
  readonly routes: readonly Route[];
  /** Called once the server listens. Must not fail for want of database or host: go on trying. */
  readonly start?: () => Promise<void>;
  /** Ends the background work; resolves when nothing of it is left. */
  readonly stop?: () => Promise<void>;
}
