import { type LaunchParameters, launchParameters } from '@berth/contract';
import { apiError } from '../errors/api-error.ts';

const customSizes = ['custom_cpu_cores', 'custom_gb_memory', 'custom_disk_size'] as const;

/** The inherited parameters without those that make no sense beside what the box itself asks for. */
const fitting = (inherited: LaunchParameters, own: LaunchParameters): LaunchParameters => {
  const left = { ...inherited };
  if (own.resource_size_request !== undefined && own.resource_size_request !== 'CUSTOM_SIZE') {
    for (const field of customSizes) {
      delete left[field];
    }
  }
  if (own.after_idle !== undefined || own.lifecycle?.after_idle !== undefined) {
    delete left.after_idle;
    const { after_idle: _idle, ...lifecycle } = left.lifecycle ?? {};
    left.lifecycle = lifecycle;
  }
  return left;
};

/**
 * Launch parameters of a box made from a blueprint: those of the blueprint, each overridden by the box's own (API §3.6). Throws
 * `invalidRequest` when the two do not go together.
 */
export const inheritedParameters = (inherited: LaunchParameters, own: LaunchParameters): LaunchParameters => {
  const base = fitting(inherited, own);
  const merged = {
    ...base,
    ...own,
    ...(base.lifecycle === undefined && own.lifecycle === undefined
      ? {}
      : { lifecycle: { ...base.lifecycle, ...own.lifecycle } }),
  };
  const result = launchParameters.safeParse(merged);
  if (!result.success) {
    const [issue] = result.error.issues;
    const problem = `launch_parameters with those of the blueprint: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`;
    throw apiError('invalidRequest', { problem });
  }
  return result.data;
};
