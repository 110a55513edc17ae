import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Where `./berth test` has unpacked Debian's packages that tests look into without installing them; undefined where it never ran. */
export const testPackages: string | undefined = find();

function find(): string | undefined {
  const given = process.env['BERTH_TEST_PACKAGES'];
  if (given !== undefined) {
    return given;
  }
  if (process.env['BERTH_TEST_COMPLETE'] === '1') {
    throw new Error('BERTH_TEST_PACKAGES is not set');
  }
  const all = join(process.env['BERTH_CACHE'] ?? '/var/cache/berth', 'test-packages');
  const [name] = existsSync(all) ? readdirSync(all).filter((one) => !one.startsWith('.')) : [];
  return name && join(all, name);
}
