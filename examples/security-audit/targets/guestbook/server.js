// A guest book with attachments: node server.js
import { exec, execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { page } from './lib/page.js';
import { sign, token } from './lib/session.js';

const attachments = path.resolve('attachments');
const entries = [];

const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://guestbook');
  if (url.pathname === '/') {
    const visitor = url.searchParams.get('name') ?? 'stranger';
    response.setHeader('set-cookie', `session=${token()}.${sign(visitor)}`);
    response.setHeader('content-type', 'text/html');
    response.end(page(visitor, entries));
  } else if (url.pathname === '/attachment') {
    const file = url.searchParams.get('file');
    response.end(await readFile(path.join(attachments, file)));
  } else if (url.pathname === '/picture') {
    const name = path.basename(url.searchParams.get('file') ?? '');
    response.end(await readFile(path.join(attachments, name)));
  } else if (url.pathname === '/whois') {
    const address = url.searchParams.get('address');
    exec(`whois ${address}`, (error, output) => response.end(output));
  } else if (url.pathname === '/uptime') {
    execFile('uptime', (error, output) => response.end(output));
  } else {
    response.statusCode = 404;
    response.end();
  }
});

server.listen(3000, '127.0.0.1');
