import { setTimeout as sleep } from 'node:timers/promises';
import { persist } from '../chaos/persist.ts';
import type { Bench } from './bench.ts';
import type { ModelBlueprint } from './expectation.ts';
import { mustRefuse } from './refusals.ts';

const longestBuildMs = 300_000;

/** Builds an image that has a file. While the host dies under it time and again it may fail, and says so. */
export async function build({ api, model, random, isDisturbed }: Bench): Promise<void> {
  const since = performance.now();
  const [name, line] = [`file-${random.between(0, 6)}`, crypto.randomUUID()];
  const { id } = await api.post<{ id: string }>('/v1/blueprints', {
    name: 'model',
    system_setup_commands: [`mkdir -p ~/kept && echo ${line} > ~/kept/${name}`],
  });
  const blueprint = { id, files: new Map([[name, `${line}\n`]]), blueprintId: id };
  model.blueprints.push(blueprint);
  // One that is given up half done: deletion is for every state.
  if (random.next() < 0.2) {
    model.count('build given up');
    await deleteBlueprint({ api, model }, blueprint);
    return;
  }
  for (const deadline = Date.now() + longestBuildMs; ; await sleep(random.between(20, 200))) {
    const view = await persist(`blueprint ${id}`, () => api.client.blueprints.retrieve(id));
    if (view.status === 'build_complete') {
      return;
    }
    if (view.status === 'failed') {
      if (!isDisturbed(since)) {
        throw new Error(`${id} was not built: ${JSON.stringify(view)}`);
      }
      model.count('build refused');
      await deleteBlueprint({ api, model }, blueprint);
      return;
    }
    if (Date.now() > deadline) {
      throw new Error(`${id} stays ${view.status}`);
    }
  }
}

/** Deletes it, twice; boxes that stand on it go on. One that snapshots stand on is refused, and these are named. */
export async function deleteBlueprint(
  { api, model }: Pick<Bench, 'api' | 'model'>,
  blueprint: ModelBlueprint,
): Promise<void> {
  const path = `/v1/blueprints/${blueprint.id}/delete`;
  const dependants = model.snapshots.filter(({ blueprintId }) => blueprintId === blueprint.id);
  if (dependants.length > 0) {
    const text = await mustRefuse({ api }, [path, {}]);
    const unnamed = dependants.filter(({ id }) => !text.includes(id));
    if (unnamed.length > 0) {
      throw new Error(`${path} does not name ${unnamed.map(({ id }) => id).join(', ')}: ${text}`);
    }
    model.count('blueprint in use');
    return;
  }
  for (let times = 0; times < 2; times += 1) {
    await api.post(path, {});
  }
  model.blueprints.splice(model.blueprints.indexOf(blueprint), 1);
}
