import { describe, expect, it } from 'vitest';
import { MAX_LAYERS, snapshotStack } from '../../src/local/layer-limits.ts';
import { StatePaths } from '../../src/local/state-paths.ts';

const paths = new StatePaths('/state');
const ofSnapshots = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ path: paths.snapshotLayer(`snp-${index}`), ownerBase: index }));
const ofImage = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ path: `/images/${index}`, ownerBase: 0 }));
const stackOf = (layers: ReadonlyArray<{ path: string; ownerBase: number }>, maxLayers?: number) =>
  snapshotStack({ maxLayers, paths }, { id: 'dbx', layers });

describe('the layers below a new snapshot', () => {
  it('are those of its box while there is room', () => {
    const layers = [...ofSnapshots(MAX_LAYERS - 2), ...ofImage(1)];
    expect(stackOf(layers)).toEqual({ merged: [], below: layers });
  });

  it('are those of the image alone where one more is too many', () => {
    const [snapshots, image] = [ofSnapshots(MAX_LAYERS - 3), ofImage(3)];
    expect(stackOf([...snapshots, ...image])).toEqual({ merged: snapshots, below: image });
    expect(stackOf([...snapshots.slice(0, 1), ...image], 4)).toEqual({ merged: snapshots.slice(0, 1), below: image });
  });

  it('cannot be more than an overlay takes', () => {
    expect(() => stackOf(ofImage(MAX_LAYERS))).toThrow(/stands on an image of 128 layers/);
    expect(stackOf([...ofSnapshots(1), ...ofImage(MAX_LAYERS - 1)]).below).toHaveLength(MAX_LAYERS - 1);
  });
});
