import type { ServerResponse } from 'node:http';
import { devboxView } from './devbox-views.ts';
import { type Call, frame, sendJson } from './streaming-api.ts';

/** An API with one box, in which whatever is run says `y` without end, until it is killed. */
export const endless = () => {
  let killed = false;
  let release: () => void = () => undefined;
  const dead = new Promise<void>((resolve) => {
    release = resolve;
  });
  const view = () => ({
    execution_id: 'exc_1',
    status: killed ? 'completed' : 'running',
    exit_status: killed ? 137 : null,
    stdout: '',
    stderr: '',
    ...(killed ? { end: { kind: 'killed', signal: 9, by: 'host' } } : {}),
  });
  return ({ path, method }: Call, response: ServerResponse): void => {
    if (path.endsWith('_updates')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      let offset = 0;
      const timer = setInterval(() => {
        if (path.endsWith('stdout_updates')) {
          offset += 2;
          response.write(frame({ output: 'y\n', offset }));
        }
      }, 5);
      response.once('close', () => clearInterval(timer));
      void dead.then(() => response.end());
    } else if (path.endsWith('/kill')) {
      killed = true;
      release();
      sendJson(response, 200, view());
    } else if (/executions\/[^/]+\/wait_for_status$/.test(path)) {
      void dead.then(() => sendJson(response, 200, view()));
    } else if (path.includes('/execute')) {
      sendJson(response, 200, view());
    } else if (path.endsWith('/download_file')) {
      sendJson(response, 400, { code: 'fileNotFound', message: 'it does not exist' });
    } else if (path.startsWith('/v1/agents')) {
      sendJson(response, 200, { agents: [], has_more: false });
    } else if (path === '/v1/devboxes' && method === 'GET') {
      sendJson(response, 200, { devboxes: [], has_more: false });
    } else {
      sendJson(response, 200, devboxView({ id: 'dbx_1' }));
    }
  };
};
