/** The command line: finds the command, hands it its arguments, and turns every outcome into one exit code. */
import { errorKind, framesOf } from '../observe/internal-failure.ts';
import { type Environment, type Invocation, type Streams, UsageError } from './command.ts';
import { findCommand } from './commands.ts';
import { EXIT_DEFECT, EXIT_USAGE } from './exit-codes.ts';
import { plainText } from './output.ts';
import { parseArguments } from './parse-arguments.ts';

/** What the process gives besides the words of the command line. */
export interface Surroundings {
  /** How the user called us, for advice that can be pasted. */
  readonly program: string;
  readonly environment: Environment;
  readonly streams: Streams;
}

/**
 * Runs one command line and resolves to the exit code; never rejects. Usage errors are one line on stderr
 * with a hint, defects of ours come with their stack, because nobody can report them otherwise.
 * @param words without the names of node and of the script
 */
export async function main(words: readonly string[], surroundings: Surroundings): Promise<number> {
  const { program, streams } = surroundings;
  const [name, ...rest] = rewriteGlobalOptions(words);
  try {
    if (name === undefined) return await showOverview(surroundings);
    return await runCommand(name, rest, surroundings);
  } catch (error) {
    if (error instanceof UsageError) {
      const topic = name !== undefined && name !== 'help' && findCommand(name) ? ` ${name}` : '';
      streams.stderr.write(`sallyport: ${plainText(error.message)}\nTry: ${program} help${topic}\n`);
      return EXIT_USAGE;
    }
    streams.stderr.write(describeDefect(error));
    return EXIT_DEFECT;
  }
}

/** The text for an unexpected error: its kind and place. Its message may quote a token or a key, and is left out. */
export function describeDefect(error: unknown): string {
  const trace = [errorKind(error), ...framesOf(error)].join('\n    ');
  return `sallyport: unexpected error; this is a defect, please report it with what follows\n${trace}\n`;
}

/** `--help`, `-h`, `--version` and `-v` alone are the commands of these names. */
function rewriteGlobalOptions(words: readonly string[]): readonly string[] {
  const [first, ...rest] = words;
  if (first === '--help' || first === '-h') return ['help', ...rest];
  if (first === '--version' || first === '-v') return ['version', ...rest];
  return words;
}

async function showOverview({ program, environment, streams }: Surroundings): Promise<number> {
  const { overview } = await import('./help.ts');
  streams.stderr.write(overview(program, streams.stderr, environment));
  return EXIT_USAGE;
}

async function runCommand(
  name: string,
  words: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const command = findCommand(name);
  if (command === undefined) {
    if (name.startsWith('-')) throw new UsageError(`options come after the command: COMMAND ${name}`);
    throw new UsageError((await import('./help.ts')).unknownCommand(name));
  }
  const { options, positionals } = parseArguments(command, words);
  const environment = options.has('no-color')
    ? { ...surroundings.environment, NO_COLOR: '1' }
    : surroundings.environment;
  if (options.has('help')) {
    const { commandHelp } = await import('./help.ts');
    const { stdout } = surroundings.streams;
    stdout.write(commandHelp(command, surroundings.program, stdout, environment));
    return 0;
  }
  const invocation: Invocation = { ...surroundings, environment, options, positionals };
  return (await command.load())(invocation);
}
