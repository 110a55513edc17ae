import type { BoxSpec } from '@berth/host/contract';
import { boxSpec, type SpecSource } from '../devboxes/box-spec.ts';
import type { Devbox } from '../devboxes/devbox.ts';
import type { SecretService } from '../secrets/service.ts';

export interface StartSpecParts {
  readonly secrets: Pick<SecretService, 'reveal'>;
  /** Grade of isolation of boxes for which nobody names one. */
  readonly defaultIsolation: BoxSpec['isolation'];
}

/**
 * What the host is asked to start, with the values that secrets have now; or the name of a secret that is gone. Values are read at each
 * start and kept nowhere.
 */
export const startSpec = async (
  parts: StartSpecParts,
  box: SpecSource & Pick<Devbox, 'accountId'>,
): Promise<{ readonly spec: BoxSpec } | { readonly missingSecret: string }> => {
  const wanted = Object.entries(box.wish.secretNames);
  const found = await parts.secrets.reveal(box.accountId, [...new Set(wanted.map(([, name]) => name))]);
  const values: Record<string, string> = {};
  for (const [variable, name] of wanted) {
    const value = found.get(name);
    if (value === undefined) {
      return { missingSecret: name };
    }
    values[variable] = value;
  }
  return { spec: boxSpec(box, values, parts.defaultIsolation) };
};
