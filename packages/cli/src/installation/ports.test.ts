import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { portIsFree, portOwner } from './ports.ts';

it('tells a free port from a taken one, and who has it', async () => {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  try {
    expect(await portIsFree(port, '127.0.0.1')).toBe(false);
    expect(portOwner(port)).toContain(`pid ${process.pid}`);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
  expect(await portIsFree(port, '127.0.0.1')).toBe(true);
});
