import type { AccountLimits, AccountQuotas } from '@berth/contract';
import { findEndpoint } from '../http/endpoint.ts';

const timeoutMs = 3_000;

/** How a limit is called where it is set, and where it is shown. */
export const quotaNames = {
  running: 'running_devboxes',
  memoryGib: 'memory_gib',
  diskGib: 'disk_gib',
  snapshots: 'snapshots',
  snapshotGib: 'snapshot_gib',
  blueprints: 'blueprints',
  builds: 'builds',
  objectGib: 'object_gib',
} as const satisfies Record<keyof AccountLimits, keyof AccountQuotas>;

/** Asks the server of this machine. Undefined when it does not answer, or the key cannot be read. */
export const readQuotas = async (): Promise<AccountQuotas | undefined> => {
  try {
    const { baseUrl, apiKey } = findEndpoint({ local: true });
    const response = await fetch(`${baseUrl}/v1/accounts/me/quotas`, {
      headers: { authorization: `Bearer ${apiKey}` },
      signal: AbortSignal.timeout(timeoutMs),
    });
    return response.ok ? ((await response.json()) as AccountQuotas) : undefined;
  } catch {
    return undefined;
  }
};

/** `3 of 1000`, with at most one decimal. */
export const quotaText = ({ used, limit }: AccountQuotas[keyof AccountQuotas]): string =>
  `${Number(used.toFixed(1))} of ${limit}`;

/** What the account has of what it may have, for people: what it has nothing of is left out. */
export const quotasLine = (quotas: AccountQuotas): string => {
  const parts = Object.entries(quotaNames).flatMap(([name, shown]) =>
    quotas[shown].used === 0 ? [] : [`${name} ${quotaText(quotas[shown])}`],
  );
  return parts.length === 0 ? 'has nothing (./berth account limits shows what it may have)' : parts.join(', ');
};
