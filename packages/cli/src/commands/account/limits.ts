import type { AccountLimits, AccountQuotas } from '@berth/contract';
import { Command, InvalidArgumentError } from 'commander';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { serviceAccount } from '../../installation/accounts.ts';
import { readInstallation } from '../../installation/installation.ts';
import { statePaths } from '../../installation/paths.ts';
import { CommandFailure } from '../../output/failure.ts';
import { print, printJson } from '../../output/style.ts';
import { table } from '../../output/table.ts';
import { quotaNames } from '../../status/quotas.ts';
import { changeLimits } from '../../supervisor/services.ts';

type Change = Readonly<Record<string, number | null>>;

interface Options {
  readonly set: Change;
  readonly account?: string;
  readonly json?: true;
}

const names = Object.keys(quotaNames);

/** `running=5`, `running=default` */
export const parseLimit = (text: string, before: Change): Change => {
  const [name = '', value = '', ...more] = text.split('=');
  if (!names.includes(name) || more.length > 0) {
    throw new InvalidArgumentError(`It must be one of ${names.join(', ')}, with =number or =default.`);
  }
  if (value !== 'default' && !/^\d{1,15}(\.\d{1,6})?$/.test(value)) {
    throw new InvalidArgumentError(`${name} takes a number that is not negative, or "default".`);
  }
  return { ...before, [name]: value === 'default' ? null : Number(value) };
};

export const limitsCommand = (): Command =>
  new Command('limits')
    .description('show what the account may have at a time and what it has; the operator of the machine can set it')
    .option(
      '--set <name=number>',
      `set a limit (${names.join(', ')}); name=default takes it back; repeatable`,
      parseLimit,
      {},
    )
    .option('--account <id>', 'with --set: whose limits; the first account unless said')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  ./berth account limits\n  sudo ./berth account limits --set running=20 --set objectGib=50\n  sudo ./berth account limits --account acc_… --set running=default',
    )
    .action(async (options: Options) => {
      if (Object.keys(options.set).length > 0) {
        await set(options);
        return;
      }
      if (options.account !== undefined) {
        throw new CommandFailure('--account goes with --set', { hint: 'a key shows the limits of its own account' });
      }
      const quotas = await new ApiClient(findEndpoint()).json<AccountQuotas>('GET', '/v1/accounts/me/quotas');
      if (options.json) {
        printJson(quotas);
        return;
      }
      const rows = Object.entries(quotaNames).map(([name, shown]) => [
        name,
        String(Number(quotas[shown].used.toFixed(3))),
        String(quotas[shown].limit),
      ]);
      print(table(['LIMIT', 'USED', 'ALLOWED'], rows));
    });

const set = async ({ set: change, account, json }: Options): Promise<void> => {
  const paths = statePaths();
  const installation = readInstallation(paths);
  if (installation === undefined) {
    throw new CommandFailure('there is no Berth on this machine yet', { hint: 'run ./berth up' });
  }
  if (process.getuid?.() !== 0) {
    throw new CommandFailure('only root sets limits', { hint: 'repeat it with sudo' });
  }
  const answer = await changeLimits(paths, installation, serviceAccount(), {
    ...(account === undefined ? {} : { account }),
    set: change,
  }).catch((error: unknown) => {
    throw new CommandFailure(error instanceof Error ? error.message : String(error), {
      hint: 'the database has to run: ./berth up',
    });
  });
  if (json) {
    printJson(answer);
  } else {
    print(`${answer.account}: ${limitsText(answer.limits)}`);
  }
};

const limitsText = (limits: AccountLimits): string =>
  Object.entries(limits)
    .map(([name, limit]) => `${name} ${limit}`)
    .join(', ') || 'nothing of its own';
