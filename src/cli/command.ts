/** The contract between the command line and one command: what a command declares, and what it is called with. */

/** One command, as the table of commands, the parser and the help see it. Holds no code of the command itself. */
export interface Command {
  readonly name: string;
  /** One line without final stop, for the overview. */
  readonly summary: string;
  /** Positional arguments in the order of the line. */
  readonly positionals: readonly Positional[];
  readonly options: Readonly<Record<string, OptionDeclaration>>;
  /** Shown first in the help of the command. At least one. */
  readonly examples: readonly Example[];
  /** What the overview and the options do not say; paragraphs. */
  readonly notes?: readonly string[];
  /** Imports the command's code, and only then whatever it needs: `version` must not pay for a server. */
  load(): Promise<CommandFunction>;
}

/** A positional argument; `required` ones come before optional ones. */
export interface Positional {
  /** Upper-case, as in `token PERSONA`. */
  readonly name: string;
  readonly required: boolean;
  /** Of the last one: it may be given several times. */
  readonly repeated?: boolean;
  readonly describes: string;
}

/** An option. One with a `value` takes text, any other is a switch. */
export interface OptionDeclaration {
  /** Placeholder of its value, upper-case (`FILE`); absent for a switch. */
  readonly value?: string;
  /** One letter for the short form. */
  readonly short?: string;
  readonly describes: string;
  /** Environment variable that stands in when the option is not written, for the help. */
  readonly variable?: string;
}

/** A line to paste, and what it does. */
export interface Example {
  /** After the program's name: `check policy.yaml --strict`. */
  readonly line: string;
  readonly does: string;
}

/** Runs a command and resolves to its exit code. A rejection is a defect of ours (70), except a `UsageError` (2). */
export type CommandFunction = (invocation: Invocation) => Promise<number>;

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Everything a command may take from the process. */
export interface Invocation {
  /** How the user called us, to be repeated in advice: `sallyport`, or `node src/main.ts`. */
  readonly program: string;
  readonly positionals: readonly string[];
  readonly options: OptionValues;
  readonly environment: Environment;
  readonly streams: Streams;
}

/** Values by option name: text, or true for a switch; options that were not written are absent. */
export type OptionValues = ReadonlyMap<string, string | true>;

/** Where a command writes, results on `stdout`, messages on `stderr`; and reads, where it asks for a secret. */
export interface Streams {
  /** Absent: there is nobody to ask. */
  readonly stdin?: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
}

/** The part of a writable stream that commands use. */
export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
}

/** The part of a readable stream that commands use. */
export interface InputStream extends AsyncIterable<Uint8Array | string> {
  readonly isTTY?: boolean | undefined;
  /** Of a terminal: whether each key is handed over at once, unseen. */
  setRawMode?(raw: boolean): unknown;
}

/** A command line that the parser let pass and the command cannot take; ends with exit code 2 and the text on stderr. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The text of an option, or undefined. */
export function textOption(options: OptionValues, name: string): string | undefined {
  const value = options.get(name);
  return typeof value === 'string' ? value : undefined;
}
