import type { BuildFigures, ImageBuilder } from '../contract/index.ts';

/** The part of a LocalHost that builds. */
export interface LocalBuilder extends ImageBuilder {
  figures(): Promise<BuildFigures>;
  /** Ends what runs; its record says so. */
  close(): Promise<void>;
}
