import type { ExecutionDetailView, ExecutionView } from '@berth/contract';
import type { ExecutionEnd, ExecutionView as HostView } from '@berth/host/contract';
import { apiError } from '../errors/api-error.ts';

/** What a shell would show: the code, or 128 + signal. Null when nobody knows. */
export const exitStatus = (end: ExecutionEnd | undefined): number | null => {
  switch (end?.kind) {
    case 'exited':
      return end.code;
    case 'killed':
      return 128 + end.signal;
    default:
      return null;
  }
};

/** An execution as clients see it (API §4.1). */
export const executionView = (devboxId: string, view: HostView): ExecutionView => ({
  devbox_id: devboxId,
  execution_id: view.executionId,
  status: view.status,
  exit_status: exitStatus(view.end),
  shell_name: view.shellName ?? null,
  stdout: view.stdout.text,
  stderr: view.stderr.text,
  stdout_truncated: view.stdout.truncated,
  stderr_truncated: view.stderr.truncated,
  ...(view.end === undefined ? {} : { end: view.end }),
});

/** The older form, which insists on an exit status. Throws `executionLost` when there is none. */
export const executionDetailView = (devboxId: string, view: HostView): ExecutionDetailView => {
  const status = exitStatus(view.end);
  if (status === null) {
    const reason = view.end?.kind === 'lost' ? view.end.reason : 'no end was reported';
    throw apiError('executionLost', { id: view.executionId, reason });
  }
  return {
    devbox_id: devboxId,
    exit_status: status,
    stdout: view.stdout.text,
    stderr: view.stderr.text,
    shell_name: view.shellName ?? null,
  };
};
