/** Help in the terminal: examples first, then what there is. */

import { suggest } from '../policy/reading/suggest.ts';
import {
  type Command,
  type Environment,
  type Invocation,
  type OptionDeclaration,
  type OutputStream,
  UsageError,
} from './command.ts';
import { COMMANDS, COMMON_OPTIONS, findCommand } from './commands.ts';
import { EXIT_OK } from './exit-codes.ts';
import { type Paint, paintFor } from './output.ts';

/** Column where descriptions stop; a terminal narrower than this wraps by itself. */
const WIDTH = 100;

/** `help [COMMAND]`. */
export async function help(invocation: Invocation): Promise<number> {
  const [name] = invocation.positionals;
  const { stdout } = invocation.streams;
  if (name === undefined) {
    stdout.write(overview(invocation.program, stdout, invocation.environment));
    return EXIT_OK;
  }
  const command = findCommand(name);
  if (command === undefined) throw new UsageError(unknownCommand(name));
  stdout.write(commandHelp(command, invocation.program, stdout, invocation.environment));
  return EXIT_OK;
}

/** One sentence for a command that there is not, with the nearest one. */
export function unknownCommand(name: string): string {
  const meant = suggest(
    name,
    COMMANDS.map((command) => command.name),
  );
  return `unknown command ${JSON.stringify(name)}${meant ? `; did you mean \`${meant}\`?` : ''}`;
}

/** The help without a command: how to begin, then every command in a line. */
export function overview(program: string, stream: OutputStream, environment: Environment): string {
  const paint = paintFor(stream, environment);
  const begin = ['dev', 'check', 'run'].flatMap((name) => findCommand(name)?.examples.slice(0, 1) ?? []);
  return [
    `${paint.bold('sallyport')}: an authenticating reverse proxy. Nothing gets past it that the policy does not allow.`,
    '',
    ...section(
      'Begin here',
      paint,
      begin.map(({ line, does }) => [`${program} ${line}`, does]),
    ),
    ...section(
      'Commands',
      paint,
      COMMANDS.map((command) => [usage(command), command.summary]),
    ),
    `More about one: ${program} help COMMAND`,
    '',
  ].join('\n');
}

/** The help of one command. */
export function commandHelp(
  command: Command,
  program: string,
  stream: OutputStream,
  environment: Environment,
): string {
  const paint = paintFor(stream, environment);
  const options = Object.entries({ ...command.options, ...COMMON_OPTIONS });
  return [
    `${paint.bold(`${program} ${usage(command)}`)}: ${command.summary}`,
    '',
    ...section(
      'Examples',
      paint,
      command.examples.map(({ line, does }) => [`${program} ${line}`, does]),
    ),
    ...section(
      'Arguments',
      paint,
      command.positionals.map(({ name, describes }) => [name, describes]),
    ),
    ...section(
      'Options',
      paint,
      options.map(([name, option]) => [optionUsage(name, option), optionText(option)]),
    ),
    ...(command.notes ?? []).flatMap((note) => [...wrap(note, 0), '']),
  ].join('\n');
}

function usage(command: Command): string {
  const words = command.positionals.map(({ name, required, repeated }) => {
    const shown = repeated === true ? `${name}...` : name;
    return required ? shown : `[${shown}]`;
  });
  return [command.name, ...words].join(' ');
}

function optionUsage(name: string, option: OptionDeclaration): string {
  const short = option.short === undefined ? '' : `-${option.short}, `;
  return `${short}--${name}${option.value === undefined ? '' : ` ${option.value}`}`;
}

function optionText(option: OptionDeclaration): string {
  return option.variable === undefined ? option.describes : `${option.describes} [$${option.variable}]`;
}

/** A heading and rows of two columns, or nothing without rows. A long left side has the right one below it. */
function section(heading: string, paint: Paint, rows: readonly (readonly [string, string])[]): string[] {
  if (rows.length === 0) return [];
  const column = Math.min(32, Math.max(...rows.map(([left]) => left.length)) + 4);
  const lines = rows.flatMap(([left, right]) => {
    const [first = '', ...more] = wrap(right, column);
    const shown = paint.cyan(left);
    if (left.length + 4 > column) return [`  ${shown}`, ' '.repeat(column) + first, ...more];
    return [`  ${shown}${' '.repeat(column - left.length - 2)}${first}`, ...more];
  });
  return [paint.bold(heading), ...lines, ''];
}

/** Breaks a text between words; lines but the first are indented. */
function wrap(text: string, indent: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines.map((part, index) => (index === 0 ? part : ' '.repeat(indent) + part));
}
