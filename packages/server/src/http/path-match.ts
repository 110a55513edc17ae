import type { RouteContract } from '@berth/contract';

/** Whether a path, without query, fits a path template of the contract. */
const matches = (template: string, path: string): boolean => {
  const wanted = template.split('/');
  const given = path.replace(/\/$/, '').split('/');
  return wanted.length === given.length && wanted.every((part, index) => part.startsWith('{') || part === given[index]);
};

/** Methods that the path answers; empty when there is no such path. */
export const allowedMethods = (
  contracts: readonly Pick<RouteContract, 'method' | 'path'>[],
  path: string,
): string[] => [
  ...new Set(contracts.filter((contract) => matches(contract.path, path)).map((contract) => contract.method)),
];
