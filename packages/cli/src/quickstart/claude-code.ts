import { bold, dim } from '../output/style.ts';

/** How the same audit is done by Claude Code; shown where a key for it is set. */
export const claudeCodeOffer = (): string =>
  [
    `${bold('ANTHROPIC_API_KEY is set:')} Claude Code can do the same audit, each target in a box of its own:`,
    './berth run --agent claude-code \\',
    '  --repo examples/security-audit/targets/notes-api --repo examples/security-audit/targets/guestbook -- find the security defects, with file and line',
    dim('The key goes into those boxes as a variable and disappears with them.'),
  ].join('\n');
