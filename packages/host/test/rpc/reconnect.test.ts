import { rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { rpcBench, spec } from './rpc-bench.ts';

describe('a lost connection', () => {
  it('rejects calls in flight as retryable, and serves the next ones', async () => {
    const { client, server } = await rpcBench();
    await client.execute(spec.id, { executionId: 'e', origin: 'exec', command: 'sleep 60' });
    const wait = { until: ['completed'], timeoutMs: 60_000, lastLines: 1 } as const;
    const waiting = client.waitExecution(spec.id, 'e', wait);
    waiting.catch(() => undefined);
    await client.list();
    server.dropConnections();
    await expect(waiting).rejects.toMatchObject({ code: 'hostUnavailable', retryable: true });
    expect(await client.list()).toHaveLength(1);
  });

  it('ends event streams with an error, so that the reader compares', async () => {
    const { client, server } = await rpcBench();
    const events = client.events(new AbortController().signal)[Symbol.asyncIterator]();
    const next = events.next();
    next.catch(() => undefined);
    await client.list();
    server.dropConnections();
    await expect(next).rejects.toMatchObject({ code: 'hostUnavailable' });
  });

  it('waits for a host that comes back', async () => {
    const bench = await rpcBench();
    await bench.client.list();
    await bench.stop();
    await rm(bench.socketPath, { force: true });
    const later = bench.client.list();
    await bench.restart();
    expect(await later).toHaveLength(1);
  });

  it('gives up waiting after the time', async () => {
    const bench = await rpcBench({ connectTimeoutMs: 50 });
    await bench.client.list();
    await bench.stop();
    await expect(bench.client.list()).rejects.toMatchObject({ code: 'hostUnavailable', retryable: true });
  });

  it('stays closed once it is closed', async () => {
    const { client } = await rpcBench();
    await client.close();
    await expect(client.list()).rejects.toMatchObject({ code: 'hostUnavailable', retryable: false });
  });
});

describe('cancelling', () => {
  it('rejects at once and tells the host', async () => {
    const { client, fake } = await rpcBench();
    const abort = new AbortController();
    let seen: AbortSignal | undefined;
    fake.waitExecution = (_boxId, _executionId, _wait, signal) => {
      seen = signal;
      return new Promise(() => undefined);
    };
    const wait = { until: ['completed'], timeoutMs: 60_000, lastLines: 1 } as const;
    const waiting = client.waitExecution(spec.id, 'e', wait, abort.signal);
    waiting.catch(() => undefined);
    await client.list();
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    await client.list();
    expect(seen?.aborted).toBe(true);
  });

  it('does not begin what is cancelled already', async () => {
    const { client } = await rpcBench();
    const wait = { until: [], timeoutMs: 1, lastLines: 1 } as const;
    const waiting = client.waitExecution(spec.id, 'e', wait, AbortSignal.abort());
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
  });
});
