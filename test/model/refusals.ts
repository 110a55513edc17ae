import Runloop from '@runloop/api-client';
import type { Bench } from './bench.ts';
import { launch } from './bench.ts';
import type { ModelBox, Standing } from './expectation.ts';
import { verifyStatus } from './verify.ts';

type Wish = readonly [path: string, body: object];

/** What cannot be asked of a box in this standing. */
const impossible = (box: ModelBox): readonly [Wish, ...Wish[]] => {
  const on = (verb: string, body: object = {}): Wish => [`/v1/devboxes/${box.id}/${verb}`, body];
  const command = on('execute', { command: 'true', command_id: crypto.randomUUID() });
  const standings: Record<Exclude<Standing, 'starting'>, readonly [Wish, ...Wish[]]> = {
    running: [
      on('resume'),
      ...(box.grade === 'container' ? [on('suspend', { memory: true }), on('fork', { memory: true })] : []),
    ],
    suspended: [
      on('suspend'),
      command,
      on('fork', { memory: true }),
      on('write_file_contents', { file_path: 'x', contents: 'x' }),
    ],
    failed: [on('suspend'), on('resume'), command, on('fork', {}), on('snapshot_disk_async')],
    deleted: [on('suspend'), on('resume'), command, on('fork', {}), on('snapshot_disk_async')],
  };
  return box.standing === 'starting' ? [on('resume')] : standings[box.standing];
};

/** A box is asked for what it cannot do: it is refused for good, with a reason, and nothing changes. */
export async function refuse(bench: Bench, box: ModelBox): Promise<void> {
  await mustRefuse(bench, bench.random.pick(impossible(box)));
  await verifyStatus(bench, box);
}

/** There is no box from a snapshot that there is not. */
export async function refuseSnapshot(bench: Bench): Promise<void> {
  await mustRefuse(bench, [
    '/v1/devboxes',
    { snapshot_id: 'snp_0000000000000000', launch_parameters: launch(bench.grades[0]) },
  ]);
}

/** Asks for what is to be refused for good. @returns what the refusal says @throws Error when it is done, or fails otherwise */
export async function mustRefuse({ api }: Pick<Bench, 'api'>, [path, body]: Wish): Promise<string> {
  const [refusal, otherwise] = await api.post(path, body).then(
    (done) => [undefined, `was done: ${JSON.stringify(done)}`],
    (error: unknown) => {
      const { cause } = error as { cause?: unknown };
      const isRefusal =
        cause instanceof Runloop.APIError && cause.status !== undefined && cause.status >= 400 && cause.status < 500;
      return isRefusal ? [cause.message] : [undefined, `ended ${String(error)}`];
    },
  );
  if (refusal === undefined) {
    throw new Error(`${path} ${JSON.stringify(body)} ${otherwise}`);
  }
  return refusal;
}
