import { type BoxSpec, HostError, type StopCause } from '../contract/index.ts';
import type { FakeBox } from './fake-box.ts';

type Boxes = ReadonlyMap<string, FakeBox>;

/** Sidecars of this box that are not gone. */
const sidecarsOf = (boxes: Boxes, boxId: string): FakeBox[] =>
  [...boxes.values()].filter(({ spec, state }) => spec.networkOf === boxId && state.phase !== 'destroyed');

/** @throws HostError `boxNotFound`, `boxNotRunning`, `networkUnshareable` */
export const requireShareable = (boxes: Boxes, spec: BoxSpec, isolation: string): void => {
  const { networkOf } = spec;
  if (networkOf === undefined) {
    return;
  }
  const owner = boxes.get(networkOf);
  if (owner === undefined) {
    throw new HostError('boxNotFound', `no box ${networkOf}`);
  }
  if (isolation !== 'container' || owner.state.isolation !== 'container' || owner.spec.networkOf !== undefined) {
    throw new HostError('networkUnshareable', `the network of box ${networkOf} cannot be shared`);
  }
  owner.requireRunning();
};

/** What becomes of sidecars when their box loses its processes. */
export const endSidecars = (boxes: Boxes, boxId: string, phase: 'stopped' | 'destroyed' | 'suspended'): void => {
  for (const sidecar of sidecarsOf(boxes, boxId)) {
    if (phase === 'suspended' && sidecar.state.phase === 'running') {
      sidecar.suspend(false);
    } else if (phase !== 'suspended') {
      const cause: StopCause = phase === 'destroyed' ? 'destroyed' : 'runtime_failed';
      sidecar.stop(phase, sidecar.state.cause ?? cause, `box ${boxId}, whose network it shared, has ended`);
    }
  }
};

/** Deletes what is remembered of the sidecars of a box that is forgotten. */
export const forgetSidecars = (boxes: Map<string, FakeBox>, boxId: string): void => {
  for (const [id, { spec }] of boxes) {
    if (spec.networkOf === boxId) {
      boxes.delete(id);
    }
  }
};
