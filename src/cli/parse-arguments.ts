/**
 * Words of the command line -> options and positionals of one command, or a sentence why not. Stricter than
 * `parseArgs` alone: an option given twice, a value that looks like a forgotten one, and a missing argument are
 * all refused, because a gate that starts with half of what was asked is worse than one that does not start.
 */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { suggest } from '../policy/reading/suggest.ts';
import { type Command, type OptionDeclaration, type OptionValues, UsageError } from './command.ts';
import { COMMON_OPTIONS } from './commands.ts';

/** What was written after the command's name. */
export interface ParsedArguments {
  readonly options: OptionValues;
  readonly positionals: readonly string[];
}

/** One option as `parseArgs` saw it. */
interface WrittenOption {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

/**
 * Parses the words after the command's name.
 * @throws UsageError for anything unknown, doubled, missing or too much. With `--help` nothing is missing.
 */
export function parseArguments(command: Command, words: readonly string[]): ParsedArguments {
  const declared = { ...command.options, ...COMMON_OPTIONS };
  const { tokens } = parseArgs({
    args: [...words],
    options: parserOptions(declared),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const options = new Map<string, string | true>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const value = readOption(token, declared);
    if (options.has(token.name)) throw new UsageError(`${token.rawName} is given twice`);
    options.set(token.name, value);
  }
  if (!options.has('help')) checkPositionals(command, positionals, options);
  return { options, positionals };
}

function parserOptions(declared: Readonly<Record<string, OptionDeclaration>>) {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const [name, option] of Object.entries(declared)) {
    options[name] = {
      type: option.value === undefined ? 'boolean' : 'string',
      ...(option.short === undefined ? {} : { short: option.short }),
    };
  }
  return options;
}

function readOption(
  token: WrittenOption,
  declared: Readonly<Record<string, OptionDeclaration>>,
): string | true {
  const option = Object.hasOwn(declared, token.name) ? declared[token.name] : undefined;
  if (option === undefined) {
    const meant = suggest(token.name, Object.keys(declared));
    throw new UsageError(`unknown option ${token.rawName}${meant ? `; did you mean --${meant}?` : ''}`);
  }
  if (option.value === undefined) {
    if (token.value !== undefined) throw new UsageError(`${token.rawName} is a switch and takes no value`);
    return true;
  }
  if (token.value === undefined)
    throw new UsageError(`${token.rawName} needs a value: ${token.rawName} ${option.value}`);
  if (!token.inlineValue && token.value.startsWith('-') && token.value !== '-') {
    throw new UsageError(
      `${token.rawName} needs a value before ${token.value}; a value that begins with - is written ${token.rawName}=VALUE`,
    );
  }
  return token.value;
}

function checkPositionals(command: Command, positionals: readonly string[], options: OptionValues): void {
  const missing = command.positionals.find(
    (positional, index) => positional.required && index >= positionals.length,
  );
  if (missing !== undefined) throw new UsageError(`${missing.name} is missing: ${missing.describes}`);
  const surplus = positionals[command.positionals.length];
  if (surplus === undefined || command.positionals.at(-1)?.repeated === true) return;
  const isFile = command.positionals.length === 0 && 'config' in command.options && !options.has('config');
  const question = isFile ? `; did you mean --config ${surplus}?` : '';
  throw new UsageError(`unexpected argument ${JSON.stringify(surplus)}${question}`);
}
