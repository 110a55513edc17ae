import { Command } from 'commander';
import { limitsCommand } from './limits.ts';

export const accountCommand = (): Command =>
  new Command('account').description('what an account may have at a time').addCommand(limitsCommand());
