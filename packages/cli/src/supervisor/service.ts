import type { ProcessIdentity } from './process-identity.ts';

/** How one service is started, recognised as ready, and stopped. */
export interface ServiceDefinition {
  readonly name: ServiceName;
  /** Done before every start, not before an adoption: repairs and creates what the process needs. */
  readonly prepare?: () => Promise<void>;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly logFile: string;
  readonly isReady: () => Promise<boolean>;
  /** Done each time the service has become ready, before those that need it start. */
  readonly afterReady?: () => Promise<void>;
  readonly stopSignal: NodeJS.Signals;
  readonly stopTimeoutMs: number;
}

export type ServiceName = 'postgres' | 'host' | 'server';

/** `waiting` is the pause before another try. */
export type ServicePhase = 'starting' | 'ready' | 'waiting' | 'stopped';

/** What the supervisor publishes of a service. */
export interface ServiceState {
  readonly name: ServiceName;
  readonly phase: ServicePhase;
  readonly process?: ProcessIdentity;
  readonly sinceMs: number;
  /** Times it ended without being told to, since the supervisor began. */
  readonly failures: number;
  /** Why it ended or did not start, the last time. */
  readonly lastFailure?: string;
}
