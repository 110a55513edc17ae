import type { Access } from '@berth/contract';

/** One scope of a restricted key (API §22), as it is stored. */
export interface Scope {
  readonly resource_type: `RESOURCE_TYPE_${Access['resource']}`;
  readonly access_level: 'ACCESS_LEVEL_NONE' | 'ACCESS_LEVEL_READ' | 'ACCESS_LEVEL_WRITE';
}

/** Whether a key with these scopes may do this. Standard keys have none and may do everything. Write includes read. */
export const allows = (scopes: readonly Scope[] | null, access: Access): boolean => {
  if (scopes === null) {
    return true;
  }
  const level = scopes.find((scope) => scope.resource_type === `RESOURCE_TYPE_${access.resource}`)?.access_level;
  return level === 'ACCESS_LEVEL_WRITE' || (level === 'ACCESS_LEVEL_READ' && access.level === 'READ');
};
