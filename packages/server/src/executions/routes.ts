import { executionRoutes as contract } from '@berth/contract';
import { type Route, route } from '../http/route.ts';
import { serverMadeExecutionId } from './identity.ts';
import type { ExecutionService } from './service.ts';
import type { ExecutionStreams } from './streams.ts';

const defaultLastLines = 100;

/** Executions and named shells (API §4). */
export const executionRoutes = (executions: ExecutionService, streams: ExecutionStreams): Route[] => [
  route(contract.execute, (call) => {
    const { account, params, body, query } = call;
    const wish = {
      executionId: body.command_id ?? serverMadeExecutionId(call.idempotencyToken),
      command: body.command,
      shellName: body.shell_name,
      attachStdin: false,
    };
    const wait = { seconds: body.optimistic_timeout, lastLines: query.last_n };
    return executions.execute(account, params.id, wish, wait, call);
  }),
  route(contract.executeAsync, ({ account, params, body, idempotencyToken }) =>
    executions.start(account, params.id, {
      executionId: serverMadeExecutionId(idempotencyToken),
      command: body.command,
      shellName: body.shell_name,
      attachStdin: body.attach_stdin,
    }),
  ),
  route(contract.executeSync, (call) => {
    const wish = {
      executionId: serverMadeExecutionId(call.idempotencyToken),
      command: call.body.command,
      shellName: call.body.shell_name,
      attachStdin: false,
    };
    return executions.runToEnd(call.account, call.params.id, wish, call);
  }),
  route(contract.get, ({ account, params, query }) =>
    executions.get(account, params.id, params.execution_id, query.last_n),
  ),
  route(contract.waitForStatus, (call) => {
    const { account, params, body, query } = call;
    const wait = { statuses: body.statuses, seconds: body.timeout_seconds, lastLines: query.last_n };
    return executions.waitForStatus(account, params.id, params.execution_id, wait, call);
  }),
  route(contract.kill, ({ account, params, body }) =>
    executions.kill(account, params.id, params.execution_id, {
      processGroup: body.kill_process_group,
      lastLines: defaultLastLines,
    }),
  ),
  route(contract.sendStdIn, async ({ account, params, body, idempotencyToken }) => ({
    devbox_id: params.id,
    execution_id: params.execution_id,
    success: await streams.send(account, params.id, params.execution_id, body, idempotencyToken),
  })),
  // An async generator function would start only when read: errors of the first look are to be answered with a status.
  route(contract.streamStdout, (call) =>
    streams.follow(call.account, call.params.id, call.params.execution_id, 'stdout', call.query.offset, call),
  ),
  route(contract.streamStderr, (call) =>
    streams.follow(call.account, call.params.id, call.params.execution_id, 'stderr', call.query.offset, call),
  ),
];
