import type { BoxConnection, Host, OutputChunk } from '../contract/index.ts';
import { passedOn } from '../streams/young-garbage.ts';
import { FrameType } from './frame.ts';
import type { Method, Requests } from './requests.ts';
import { requests } from './requests.ts';
import type { ServerCall } from './server-call.ts';

type Handlers = { [M in Method]: (host: Host, call: ServerCall, args: Requests[M]) => Promise<unknown> };

const handlers: Handlers = {
  describe: (host) => host.describe(),
  create: (host, _call, [spec]) => host.create(spec),
  destroy: (host, _call, [boxId]) => host.destroy(boxId),
  suspend: (host, _call, [boxId, options]) => host.suspend(boxId, options),
  resume: (host, _call, [spec, options]) => host.resume(spec, options),
  snapshot: (host, _call, [boxId, snapshotId, options]) => host.snapshot(boxId, snapshotId, options),
  deleteSnapshot: (host, _call, [snapshotId]) => host.deleteSnapshot(snapshotId),
  snapshots: (host) => host.snapshots(),
  forget: (host, _call, [boxId]) => host.forget(boxId),
  inspect: (host, _call, [boxId]) => host.inspect(boxId),
  list: (host) => host.list(),
  events: (host, call) => sendItems(call, host.events(call.signal)),
  metrics: (host, _call, [boxId]) => host.metrics(boxId),
  execute: (host, _call, [boxId, spec]) => host.execute(boxId, spec),
  execution: (host, _call, [boxId, executionId, lastLines]) => host.execution(boxId, executionId, lastLines),
  waitExecution: (host, call, [boxId, executionId, wait]) => host.waitExecution(boxId, executionId, wait, call.signal),
  executeAndWait: (host, call, [boxId, spec, wait]) => host.executeAndWait(boxId, spec, wait, call.signal),
  output: (host, call, [boxId, executionId, stream, offset]) =>
    sendOutput(call, host.output(boxId, executionId, stream, offset, call.signal)),
  kill: (host, _call, [boxId, executionId, options]) => host.kill(boxId, executionId, options),
  stdin: (host, call, [boxId, executionId, end, token]) =>
    host.stdin(boxId, executionId, call.raw, end, token ?? undefined),
  logs: (host, _call, [boxId, filter]) => host.logs(boxId, filter),
  followLogs: (host, call, [boxId, filter]) => sendItems(call, host.followLogs(boxId, filter, call.signal)),
  readFile: async (host, call, [boxId, path, options]) => {
    const { info, body } = await host.readFile(boxId, path, options, call.signal);
    call.head(info);
    for await (const bytes of body) {
      await call.outgoing.write(bytes);
    }
  },
  writeFile: (host, call, [boxId, path, options]) => host.writeFile(boxId, path, call.incoming, options, call.signal),
  extract: (host, call, [boxId, path, options]) => host.extract(boxId, path, call.incoming, options, call.signal),
  stat: (host, _call, [boxId, path, options]) => host.stat(boxId, path, options),
  startBuild: (host, _call, [spec]) => host.startBuild(spec),
  putBuildContext: (host, call, [buildId]) => host.putBuildContext(buildId, call.incoming, call.signal),
  build: (host, _call, [buildId]) => host.build(buildId),
  builds: (host) => host.builds(),
  cancelBuild: (host, _call, [buildId]) => host.cancelBuild(buildId),
  forgetBuild: (host, _call, [buildId]) => host.forgetBuild(buildId),
  buildLog: (host, call, [buildId, options]) => sendItems(call, host.buildLog(buildId, options, call.signal)),
  images: (host) => host.images(),
  removeImage: (host, _call, [imageId]) => host.removeImage(imageId),
  pruneBuildCache: (host, _call, [options]) => host.pruneBuildCache(options),
  connect: async (host, call, [boxId, port, address]) => {
    const connection = await host.connect(boxId, port, address ?? undefined);
    await relay(call, connection);
  },
};

/** Checks the arguments and runs the method. Rejects with a ZodError for arguments that are out of bounds. */
export async function invoke<M extends Method>(
  host: Host,
  call: ServerCall,
  method: M,
  args: unknown,
): Promise<unknown> {
  const checked = requests[method].parse(args) as Requests[M];
  return handlers[method](host, call, checked);
}

async function sendItems(call: ServerCall, items: AsyncIterable<unknown>): Promise<void> {
  for await (const item of items) {
    await call.item(item);
  }
}

/** Each chunk is one item: u64 offset after it, then its bytes. */
async function sendOutput(call: ServerCall, chunks: AsyncIterable<OutputChunk>): Promise<void> {
  for await (const { bytes, offset } of chunks) {
    passedOn(2 * bytes.byteLength);
    const frame = Buffer.allocUnsafe(8 + bytes.byteLength);
    frame.writeBigUInt64LE(BigInt(offset), 0);
    frame.set(bytes, 8);
    await call.outgoing.writeWhole(FrameType.item, frame);
  }
}

/** Both directions until both have ended; the first error ends the connection at both sides. */
async function relay(call: ServerCall, connection: BoxConnection): Promise<void> {
  const destroy = () => connection.destroy();
  call.signal.addEventListener('abort', destroy, { once: true });
  try {
    if (call.signal.aborted) {
      return;
    }
    call.head(null);
    await Promise.all([relayIn(call, connection), relayOut(call, connection)]);
  } finally {
    call.signal.removeEventListener('abort', destroy);
    connection.destroy();
  }
}

async function relayIn(call: ServerCall, connection: BoxConnection): Promise<void> {
  for await (const bytes of call.incoming) {
    await connection.write(bytes);
  }
  await connection.end();
}

async function relayOut(call: ServerCall, connection: BoxConnection): Promise<void> {
  for await (const bytes of connection.readable) {
    await call.outgoing.write(bytes);
  }
  call.endData();
}
