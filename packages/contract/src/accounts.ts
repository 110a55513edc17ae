import { z } from 'zod';

/** Settings of an account that it may change itself. Berth's own. */
export const accountSettings = z.object({
  /** A suspension that says nothing else keeps the memory too, where the grade of isolation can. */
  suspend_memory: z.boolean(),
  /** Grade of isolation of devboxes that name none; `default` is that of the installation. */
  isolation: z.enum(['default', 'auto', 'container', 'gvisor']),
});
export type AccountSettings = z.output<typeof accountSettings>;

/** What an account that has changed nothing goes by. */
export const defaultAccountSettings: AccountSettings = { suspend_memory: false, isolation: 'default' };

/** Change of settings: what is left out stays. */
export const accountSettingsUpdate = accountSettings.partial();
export type AccountSettingsUpdate = z.output<typeof accountSettingsUpdate>;

const limit = z.number().nonnegative().optional();

/** Most that an account may have at a time, as the operator sets it. Berth's own. */
export const accountLimits = z.strictObject({
  /** Devboxes that run or wait to. */
  running: limit,
  /** Their nominal memory, and the nominal disk of all devboxes that have not ended. */
  memoryGib: limit,
  diskGib: limit,
  snapshots: limit,
  snapshotGib: limit,
  blueprints: limit,
  /** Blueprints that are being built or wait to be. */
  builds: limit,
  /** Content of objects. */
  objectGib: limit,
});
export type AccountLimits = z.output<typeof accountLimits>;

const quota = z.number();

/** Most that the account may have at a time, and what it has. Berth's own. */
export const accountQuotas = z.object({
  running_devboxes: z.object({ limit: quota, used: quota }),
  memory_gib: z.object({ limit: quota, used: quota }),
  disk_gib: z.object({ limit: quota, used: quota }),
  snapshots: z.object({ limit: quota, used: quota }),
  snapshot_gib: z.object({ limit: quota, used: quota }),
  blueprints: z.object({ limit: quota, used: quota }),
  /** Blueprints that are being built or wait to be. */
  builds: z.object({ limit: quota, used: quota }),
  object_gib: z.object({ limit: quota, used: quota }),
});
export type AccountQuotas = z.output<typeof accountQuotas>;

const billingType = z.enum(['STRIPE', 'AWS_MARKETPLACE', 'STRIPE_PROJECTS', 'UNRECOGNIZED']);

export const accountView = z.object({
  id: z.string(),
  name: z.string(),
  created_at: z.string(),
  account_status: z.enum(['ACCOUNT_STATUS_ENABLED', 'ACCOUNT_STATUS_DISABLED_BY_ADMIN']),
  tier: z.enum(['ACCOUNT_TIER_BASIC', 'ACCOUNT_TIER_PRO', 'ACCOUNT_TIER_ENTERPRISE', 'ACCOUNT_TIER_TRIAL']),
  billing: z.object({ account_billing_type: billingType }),
});
/** The account a key belongs to. A self-hosted installation bills nobody; the fields are there because clients read them. */
export type AccountView = z.output<typeof accountView>;
