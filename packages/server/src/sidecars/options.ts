import { apiError } from '../errors/api-error.ts';

/** What is understood of the options of `docker create` (API §12). */
export interface ServiceOptions {
  readonly entrypoint?: string;
  readonly user?: string;
  readonly workdir?: string;
  readonly healthCommand?: string;
  readonly environment: Readonly<Record<string, string>>;
}

const names: Readonly<Record<string, 'entrypoint' | 'user' | 'workdir' | 'healthCommand' | 'environment' | 'ignored'>> =
  {
    '--entrypoint': 'entrypoint',
    '--user': 'user',
    '-u': 'user',
    '--workdir': 'workdir',
    '-w': 'workdir',
    '--health-cmd': 'healthCommand',
    '--env': 'environment',
    '-e': 'environment',
    // When to look is Berth's matter: often, until it is ready.
    '--health-interval': 'ignored',
    '--health-timeout': 'ignored',
    '--health-retries': 'ignored',
    '--health-start-period': 'ignored',
  };

/** Words as a shell would tell them apart; quotes of either kind, and a backslash outside of single ones. */
const wordsOf = (text: string): string[] | undefined => {
  const words = text.match(/(?:[^\s"'\\]|\\[\s\S]|"(?:[^"\\]|\\[\s\S])*"|'[^']*')+/g) ?? [];
  if (words.join('').length !== text.replaceAll(/\s+(?=(?:[^"']|"[^"]*"|'[^']*')*$)/g, '').length) {
    return undefined;
  }
  return words.map((word) =>
    word.replaceAll(
      /\\([\s\S])|"((?:[^"\\]|\\[\s\S])*)"|'([^']*)'/g,
      (_all, plain, double, single) => plain ?? single ?? String(double).replaceAll(/\\(["\\$`])/g, '$1'),
    ),
  );
};

const refuse = (service: string, problem: string): never => {
  throw apiError('invalidRequest', { problem: `service '${service.slice(0, 100)}': ${problem}` });
};

/** Reads the options of a service. Throws `invalidRequest`, which names the one that is not understood. */
export const serviceOptions = (service: {
  readonly name: string;
  readonly options?: string | undefined;
}): ServiceOptions => {
  const words = wordsOf(service.options ?? '') ?? refuse(service.name, 'a quote in options does not end');
  const found: Record<string, string> = {};
  const environment: Record<string, string> = {};
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    const at = word.startsWith('--') ? word.indexOf('=') : -1;
    const name = at < 0 ? word : word.slice(0, at);
    const meaning = Object.hasOwn(names, name) ? names[name] : undefined;
    if (meaning === undefined) {
      return refuse(
        service.name,
        `the option ${name.slice(0, 100)} is not understood (docs/BLUEPRINTS.md lists those that are)`,
      );
    }
    const value = at < 0 ? words[++index] : word.slice(at + 1);
    if (value === undefined) {
      return refuse(service.name, `the option ${name} has no value`);
    }
    if (meaning === 'environment') {
      const [, key = '', text = ''] = /^([A-Za-z_][A-Za-z0-9_]*)=([\s\S]*)$/.exec(value) ?? [];
      environment[key === '' ? refuse(service.name, `${name} takes NAME=value`) : key] = text;
    } else {
      found[meaning] = value;
    }
  }
  const { ignored: _ignored, ...options } = found;
  return { ...options, environment };
};

/** Ports that a service is to listen on. Box and service share `localhost`, so that no port can stand for another one. Throws `invalidRequest`. */
export const servicePorts = (service: {
  readonly name: string;
  readonly port_mappings?: readonly string[] | undefined;
}): number[] =>
  (service.port_mappings ?? []).map((mapping) => {
    const [, outer, inner = outer] = /^(\d{1,5})(?::(\d{1,5}))?(?:\/tcp)?$/.exec(mapping) ?? [];
    const port = Number(inner);
    if (outer === undefined || port < 1 || port > 65_535) {
      return refuse(service.name, `port mapping '${mapping}' is not of the form 5432:5432`);
    }
    return outer === inner
      ? port
      : refuse(service.name, `port ${outer} cannot stand for ${inner}: both share localhost`);
  });

/** Throws `invalidRequest` for services that could never be started. */
export const requireServices = (
  services: ReadonlyArray<{
    readonly name: string;
    readonly image: string;
    readonly options?: string | undefined;
    readonly port_mappings?: readonly string[] | undefined;
  }>,
): void => {
  const seen = new Set<string>();
  for (const service of services) {
    if (seen.has(service.name)) {
      refuse(service.name, 'the name is given twice');
    }
    seen.add(service.name);
    if (!/^[A-Za-z0-9][A-Za-z0-9._:@/-]*$/.test(service.image)) {
      refuse(service.name, `'${service.image.slice(0, 100)}' is no name of an image`);
    }
    serviceOptions(service);
    servicePorts(service);
  }
};
