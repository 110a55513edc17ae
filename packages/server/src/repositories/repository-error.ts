/** A repository that cannot be had as it is asked for, and that asking again does not heal. The message is for the caller. */
export class RepositoryError extends Error {
  override readonly name = 'RepositoryError';
}
