import { once } from 'node:events';
import net from 'node:net';

/** A raw connection to a server of this process. */
export const connect = async (port: number): Promise<net.Socket> => {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
};

/** Everything that arrives until the other side closes. A reset counts as a close. */
export const collect = async (socket: net.Socket): Promise<string> => {
  let text = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk) => {
    text += String(chunk);
  });
  await new Promise<void>((resolve) => {
    socket.once('end', resolve);
    socket.once('error', () => resolve());
    socket.once('close', () => resolve());
  });
  socket.destroy();
  return text;
};
