import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One package of a lock file: where it lies, which version, whether the platform may do without it. */
type LockedPackage = { version?: string; link?: boolean; optional?: boolean };
type Lock = { packages: Record<string, LockedPackage> };

/**
 * Compares the lock file with what npm says it installed (`node_modules/.package-lock.json`, written last and removed first, so that a
 * broken-off installation has none). Exit status 0: the same; 1: `npm ci` is needed.
 */
const directory = process.argv[2] ?? '.';
const read = (path: string): Lock => JSON.parse(readFileSync(path, 'utf8')) as Lock;

try {
  const wanted = read(join(directory, 'package-lock.json')).packages;
  const installed = read(join(directory, 'node_modules', '.package-lock.json')).packages;
  const differs = Object.entries(wanted).some(([path, { version, link, optional }]) => {
    if (!path.startsWith('node_modules/') || link) {
      return false;
    }
    const present = installed[path];
    return present === undefined ? !optional : present.version !== version;
  });
  process.exit(differs ? 1 : 0);
} catch {
  process.exit(1);
}
