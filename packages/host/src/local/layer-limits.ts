/** More than these one overlay does not take, with room for those of a box that starts from the last. */
export const MAX_LAYERS = 128;
