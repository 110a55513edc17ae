import { maximumKeepAliveSeconds } from '@berth/contract';

/** A start may take this long, its wait for a place included; the lifetime proper begins, or goes on, when the box runs. */
export const startBoundMs = maximumKeepAliveSeconds * 1000;
