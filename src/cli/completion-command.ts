// `eigenscape completion`: a script for bash, zsh or fish, made from the commands as they are.

import { Argument, type Command } from 'commander';

import { type CommandIo, writeLines } from './command-io.js';
import { examples } from './examples.js';

interface Flag {
  readonly long: string;
  readonly description: string;
  /** Whether a value follows. */
  readonly takesValue: boolean;
  /** What the value may be; none where it is a file or a number. */
  readonly words: readonly string[];
}

interface Completed {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly Flag[];
  /** What its arguments may be. */
  readonly words: readonly string[];
}

const SHELLS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

export function addCompletionCommand(program: Command, io: CommandIo): void {
  program
    .command('completion')
    .summary('a script that completes this command in your shell')
    .description('Prints the script that completes commands, options and their words.')
    .addArgument(new Argument('<shell>', 'bash, zsh or fish').choices(Object.keys(SHELLS)))
    .addHelpText(
      'after',
      examples([
        [
          'bash: in ~/.bashrc',
          'completion bash > ~/.eigenscape.bash   # and: source ~/.eigenscape.bash',
        ],
        ['zsh: in a folder of $fpath', 'completion zsh > ~/.zfunc/_eigenscape'],
        ['fish', 'completion fish > ~/.config/fish/completions/eigenscape.fish'],
      ]),
    )
    .action((shell: keyof typeof SHELLS) => {
      writeLines(io.stdout, SHELLS[shell](program.commands.map(completed)));
    });
}

function completed(command: Command): Completed {
  const options = command.options.filter(({ hidden }) => !hidden);
  return {
    name: command.name(),
    summary: command.summary(),
    words: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
    flags: options.map(({ long, description, required, argChoices, parseArg }): Flag => {
      // Parsers made by nameOption know their words.
      const parser: unknown = parseArg;
      const own = typeof parser === 'function' && 'words' in parser ? parser.words : argChoices;
      const words = Array.isArray(own) ? own.map(String) : [];
      return { long: long ?? '', description, takesValue: required, words };
    }),
  };
}

const flagsOf = ({ flags }: Completed): string =>
  [...flags.map(({ long }) => long), '--help'].join(' ');

/** Lines of a case statement: after which flag which words, or a file. */
function valueCases(
  commands: readonly Completed[],
  words: (list: string) => string,
  file: string,
): string[] {
  return commands.flatMap(({ name, flags }) =>
    flags
      .filter(({ takesValue }) => takesValue)
      .map((flag) => {
        const then = flag.words.length > 0 ? words(flag.words.join(' ')) : file;
        return `    '${name} ${flag.long}') ${then}; return ;;`;
      }),
  );
}

function bashScript(commands: readonly Completed[]): string[] {
  const reply = (list: string): string => `COMPREPLY=($(compgen -W '${list}' -- "$current"))`;
  return [
    '# eigenscape, completed by bash',
    '_eigenscape() {',
    '  local current="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" command="${COMP_WORDS[1]}"',
    '  COMPREPLY=()',
    '  if [ "$COMP_CWORD" -eq 1 ]; then',
    `    ${reply([...commands.map(({ name }) => name), '--help', '--version'].join(' '))}`,
    '    return',
    '  fi',
    '  case "$command $before" in',
    ...valueCases(commands, reply, 'COMPREPLY=($(compgen -f -- "$current"))'),
    '  esac',
    '  case "$command" in',
    ...commands.map(
      (each) => `    ${each.name}) ${reply([flagsOf(each), ...each.words].join(' '))} ;;`,
    ),
    '  esac',
    '}',
    'complete -o filenames -F _eigenscape eigenscape',
  ];
}

function zshScript(commands: readonly Completed[]): string[] {
  const add = (list: string): string => `compadd -- ${list}`;
  return [
    '#compdef eigenscape',
    '_eigenscape() {',
    '  local before="${words[CURRENT-1]}" command="${words[2]}"',
    '  if (( CURRENT == 2 )); then',
    `    ${add([...commands.map(({ name }) => name), '--help', '--version'].join(' '))}`,
    '    return',
    '  fi',
    '  case "$command $before" in',
    ...valueCases(commands, add, '_files'),
    '  esac',
    '  case "$command" in',
    ...commands.map(
      (each) => `    ${each.name}) ${add([flagsOf(each), ...each.words].join(' '))} ;;`,
    ),
    '  esac',
    '}',
    // Both when it is sourced and when it is found in $fpath.
    'if [ "$funcstack[1]" = "_eigenscape" ]; then _eigenscape "$@"; else compdef _eigenscape eigenscape; fi',
  ];
}

function fishScript(commands: readonly Completed[]): string[] {
  const quoted = (text: string): string => `'${text.replace(/['\\]/g, '\\$&')}'`;
  const base = 'complete -c eigenscape';
  return [
    '# eigenscape, completed by fish',
    ...commands.flatMap(({ name, summary, flags, words }) => {
      const within = `${base} -n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
      const argument = words.length > 0 ? [`${within} -f -a ${quoted(words.join(' '))}`] : [];
      return [
        `${base} -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`,
        ...argument,
        ...flags.map((flag) => {
          const values =
            flag.words.length > 0
              ? ` -x -a ${quoted(flag.words.join(' '))}`
              : flag.takesValue
                ? ' -r'
                : '';
          return `${within} -l ${flag.long.replace(/^--/, '')}${values} -d ${quoted(flag.description)}`;
        }),
      ];
    }),
  ];
}
