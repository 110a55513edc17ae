import { fileRoutes as contract, type ExecutionDetailView } from '@berth/contract';
import { type Route, route } from '../http/route.ts';
import type { FileService } from './service.ts';

/** Writing files is answered like a command that succeeded (API §5). */
const succeeded = (devboxId: string): ExecutionDetailView => ({
  devbox_id: devboxId,
  exit_status: 0,
  stdout: '',
  stderr: '',
  shell_name: null,
});

/** Files of a box (API §5). */
export const fileRoutes = (files: FileService): Route[] => [
  route(contract.read, ({ account, params, body, signal }) => files.read(account, params.id, body.file_path, signal)),
  ...[contract.write, contract.writeLegacy].map((write) =>
    route(write, async ({ account, params, body }) => {
      await files.writeText(account, params.id, body.file_path, body.contents);
      return succeeded(params.id);
    }),
  ),
  route(contract.upload, async ({ account, params, body, headers, signal }) => {
    await files.upload(account, params.id, { body, contentType: headers['content-type'], signal });
    return {};
  }),
  route(contract.download, ({ account, params, body, signal }) => files.read(account, params.id, body.path, signal)),
];
