import type { Command } from 'commander';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** What may follow one command: the names of its sub-commands and long options. */
export interface Vocabulary {
  /** Words from the program's name on, joined by blanks: `devbox exec`. */
  readonly path: string;
  readonly words: ReadonlyArray<{ readonly word: string; readonly description: string }>;
}

/** Every command of a program with what may follow it. */
export const vocabularies = (command: Command, path = ''): Vocabulary[] => [
  {
    path,
    words: [
      ...command.commands.map((child) => ({ word: child.name(), description: child.description() })),
      ...command.options.flatMap(({ long, description }) => (long ? [{ word: long, description }] : [])),
      { word: '--help', description: 'help' },
    ],
  },
  ...command.commands.flatMap((child) => vocabularies(child, `${path} ${child.name()}`.trim())),
];

/** A script that completes the commands and options of the program, made from its own description. */
export const completionScript = (shell: Shell, root: Command): string =>
  ({ bash: bashScript, zsh: zshScript, fish: fishScript })[shell](vocabularies(root));

/** Walks the words typed so far down the tree of commands, and chooses what may follow. */
const choose = (known: readonly Vocabulary[], typed: string): string => {
  const routes = known.flatMap(({ path }) => (path === '' ? [] : [`'${path}'`])).join('|');
  const cases = known.map(({ path, words }) => `    '${path}') known='${words.map(({ word }) => word).join(' ')}' ;;`);
  return `  local route='' word known=''
  for word in ${typed}; do
    case "\${route:+$route }$word" in ${routes}) route="\${route:+$route }$word" ;; esac
  done
  case "$route" in
${cases.join('\n')}
  esac`;
};

const bashScript = (known: readonly Vocabulary[]): string => `_berth() {
${choose(known, `"\${COMP_WORDS[@]:1:COMP_CWORD-1}"`)}
  mapfile -t COMPREPLY < <(compgen -W "$known" -- "\${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _berth berth ./berth`;

const zshScript = (known: readonly Vocabulary[]): string => `#compdef berth
_berth() {
${choose(known, `"\${(@)words[2,CURRENT-1]}"`)}
  compadd -- \${=known}
  _files
}
compdef _berth berth ./berth`;

const fishScript = (known: readonly Vocabulary[]): string =>
  known
    .flatMap(({ path, words }) => {
      const steps = path.split(' ').filter(Boolean);
      const seen = steps.map((step) => `__fish_seen_subcommand_from ${step}`).join('; and ');
      return words.map(({ word, description }) => {
        const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-f -a ${word}`;
        return `complete -c berth -n '${seen || '__fish_use_subcommand'}' ${what} -d '${description.replaceAll("'", '’')}'`;
      });
    })
    .join('\n');
