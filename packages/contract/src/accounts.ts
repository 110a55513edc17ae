import { z } from 'zod';

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
