import type { Host } from '@berth/host/contract';
import type { BlueprintSource } from '../blueprints/sources.ts';
import { apiError } from '../errors/api-error.ts';
import { serviceOptions, servicePorts } from './options.ts';
import { type PlannedService, plannedService, serviceImageId } from './plan.ts';

const refuse = (problem: string): never => {
  throw apiError('invalidRequest', { problem });
};

/** The services that a box asks for, looked up in its blueprint. Throws `invalidRequest` for those that it does not have. */
export const requiredServices = async (
  host: Pick<Host, 'images'>,
  blueprint: BlueprintSource | undefined,
  names: readonly string[] | undefined,
): Promise<readonly PlannedService[]> => {
  if (names === undefined || names.length === 0) {
    return [];
  }
  if (blueprint === undefined) {
    return refuse('required_services: services come with a blueprint, and the devbox names none');
  }
  const images = new Map((await host.images()).map((image) => [image.id, image]));
  return names.map((name, at) => {
    const index = blueprint.services.findIndex((each) => each.name === name);
    const service = blueprint.services[index];
    if (service === undefined || names.indexOf(name) !== at) {
      const known = blueprint.services.map((each) => each.name).join(', ');
      const problem =
        service === undefined ? `has no service '${name}' (it has: ${known || 'none'})` : `'${name}' is named twice`;
      return refuse(`required_services: blueprint ${blueprint.id} ${problem}`);
    }
    const image = images.get(serviceImageId(blueprint.id, index));
    if (image === undefined) {
      return refuse(`required_services: the image of service '${name}' is gone; build the blueprint again`);
    }
    return plannedService(service, image, servicePorts(service), serviceOptions(service));
  });
};
