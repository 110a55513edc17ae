import type { ObjectContentType } from '@berth/contract';

const byEnding: ReadonlyArray<readonly [ending: RegExp, type: ObjectContentType]> = [
  [/\.(tgz|tar\.gz)$/i, 'tgz'],
  [/\.tar$/i, 'tar'],
  [/\.gz$/i, 'gzip'],
  [/\.(txt|md|json|ya?ml|toml|csv|py|[cm]?[jt]s|sh|log|html?|xml|sql)$/i, 'text'],
];

/** What a file of this name most likely holds; it says how a box gets it when the object is mounted. */
export const contentTypeOf = (fileName: string): ObjectContentType =>
  byEnding.find(([ending]) => ending.test(fileName))?.[1] ?? 'binary';
