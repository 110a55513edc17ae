import type Runloop from '@runloop/api-client';

const pollMs = 200;

/** Builds and waits for the end, whatever that is. */
export const built = async (client: Runloop, wish: Runloop.BlueprintCreateParams): Promise<Runloop.BlueprintView> => {
  let view = await client.blueprints.create(wish);
  while (view.status !== 'build_complete' && view.status !== 'failed') {
    await new Promise((resolve) => setTimeout(resolve, pollMs));
    view = await client.blueprints.retrieve(view.id);
  }
  return view;
};

/** Runs `use` with a blueprint and deletes it afterwards, also when `use` throws. */
export const withBlueprint = async <T>(
  client: Runloop,
  wish: Runloop.BlueprintCreateParams,
  use: (blueprint: Runloop.BlueprintView) => Promise<T>,
): Promise<T> => {
  const blueprint = await built(client, wish);
  try {
    return await use(blueprint);
  } finally {
    await client.blueprints.delete(blueprint.id);
  }
};
