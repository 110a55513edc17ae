import { z } from 'zod';
import { devboxSizes, fitsCustomSize } from './devboxes-size.ts';
import { storableText } from './text.ts';

/** Lifetime without `keep_alive_time_seconds`, and its upper bound (API §3.6). */
export const defaultKeepAliveSeconds = 3_600;
export const maximumKeepAliveSeconds = 172_800;

const shellCommand = storableText(4 * 1024 * 1024);
const sizeNames = Object.keys(devboxSizes) as [keyof typeof devboxSizes];

const afterIdle = z.object({
  idle_time_seconds: z.number().positive().max(maximumKeepAliveSeconds),
  on_idle: z.enum(['shutdown', 'suspend']),
});
export type AfterIdle = z.output<typeof afterIdle>;

const lifecycle = z.object({
  after_idle: afterIdle.optional(),
  lifecycle_hooks: z
    .object({
      suspend_commands: z.array(shellCommand).max(100).optional(),
      suspend_deadline_ms: z.int().positive().max(60_000).optional(),
    })
    .optional(),
  resume_triggers: z.object({ axon_event: z.boolean().optional(), http: z.boolean().optional() }).optional(),
  /** Berth's own: a suspension that says nothing else keeps the memory too, where the grade of isolation can. */
  suspend_memory: z.boolean().optional(),
});

/** Time that `suspend_commands` have together when nothing else is said (API §3.6). */
export const defaultSuspendDeadlineMs = 30_000;

/** Account that commands run as (API §3.6). Root is `{username: "root", uid: 0}`. */
export const userParameters = z
  .object({
    username: z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/, 'must be a Linux user name'),
    uid: z.int().min(0).max(60_000),
  })
  .refine((user) => (user.username === 'root') === (user.uid === 0), 'root and uid 0 belong together');

const fields = z.object({
  after_idle: afterIdle.optional(),
  architecture: z.enum(['x86_64', 'arm64']).optional(),
  /** Deprecated, without effect. */
  available_ports: z.array(z.int()).optional(),
  custom_cpu_cores: z.number().positive().optional(),
  custom_disk_size: z.number().positive().optional(),
  custom_gb_memory: z.number().positive().optional(),
  keep_alive_time_seconds: z.number().positive().max(maximumKeepAliveSeconds).optional(),
  launch_commands: z.array(shellCommand).max(1_000).optional(),
  lifecycle: lifecycle.optional(),
  network_policy_id: storableText(256).optional(),
  provisioning_tier: z.enum(['standard', 'flex']).optional(),
  required_services: z.array(storableText(256)).max(100).optional(),
  resource_size_request: z.enum([...sizeNames, 'CUSTOM_SIZE']).optional(),
  user_parameters: userParameters.optional(),
  /** Berth's own: grade of isolation; `auto` is the strongest that works on the host, left out the server's default (BERTH_ISOLATION). */
  isolation: z.enum(['auto', 'container', 'gvisor']).optional(),
});

export type LaunchParameters = z.output<typeof fields>;

/** Equal however its members are ordered. */
const sameIdle = (left: AfterIdle, right: AfterIdle): boolean =>
  left.idle_time_seconds === right.idle_time_seconds && left.on_idle === right.on_idle;

/** What a box gets and does before it counts as running (API §3.6). */
export const launchParameters = fields.superRefine((wish, context) => {
  const refuse = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
  const outer = wish.after_idle;
  const inner = wish.lifecycle?.after_idle;
  if (outer !== undefined && inner !== undefined && !sameIdle(outer, inner)) {
    refuse('after_idle', 'differs from lifecycle.after_idle');
  }
  const problem = fitsCustomSize(wish);
  if (problem !== undefined) {
    refuse(problem.field, problem.message);
  }
});

/** The idle rule, wherever it was given. */
export const idleRule = (wish: LaunchParameters): AfterIdle | undefined =>
  wish.lifecycle?.after_idle ?? wish.after_idle;
