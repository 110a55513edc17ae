/** What a test needs to know of a running platform; plain data, so that it can be handed to another process. */
export interface PlatformAddress {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly port: number;
  readonly state: string;
  /** Grade of boxes that name none. */
  readonly isolation: string;
  readonly interfacePrefix: string;
  readonly subnet: string;
  /** The git server that stands for GitHub, where there is one. */
  readonly git?: { readonly url: string; readonly root: string };
  /** Process ids at the start; a platform that kills its processes has newer ones. */
  readonly pids: { readonly server: number; readonly host: number; readonly postgres: number };
}

declare module 'vitest' {
  interface ProvidedContext {
    platform: PlatformAddress;
  }
}
