/** Begins the names of places that the pool makes: no id of a box can begin so. */
export const POOL_PREFIX = 'p.';

/** Whether a place, or what is named after it, was made by the pool. */
export const isPoolPlace = (place: string): boolean => place.startsWith(POOL_PREFIX);
