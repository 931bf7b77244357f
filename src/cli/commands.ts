/** The table of commands. ADD A COMMAND HERE; its code stays in a file of its own, imported when it is called. */
import type { Command, OptionDeclaration } from './command.ts';

const CONFIG: OptionDeclaration = {
  value: 'FILE',
  short: 'c',
  describes: 'policy file; without it ./sallyport.yaml, then /etc/sallyport/sallyport.yaml',
  variable: 'SALLYPORT_CONFIG',
};

const RUN: Command = {
  name: 'run',
  summary: 'Serve: let through what the policy allows, answer everything else',
  positionals: [],
  options: {
    config: CONFIG,
    listen: {
      value: 'ADDRESS',
      describes: 'where to listen instead of the file\'s `listen`: "HOST:PORT", ":PORT" or "unix:/PATH"',
      variable: 'SALLYPORT_LISTEN',
    },
    admin: {
      value: 'ADDRESS',
      describes: "admin listener instead of the file's `admin`, or `none`",
      variable: 'SALLYPORT_ADMIN',
    },
    upstream: {
      value: 'URL',
      describes: "default upstream instead of the file's `upstream`",
      variable: 'SALLYPORT_UPSTREAM',
    },
  },
  examples: [
    { line: 'run --config sallyport.yaml', does: 'serve this policy' },
    {
      line: 'run --listen :8080 --upstream http://127.0.0.1:3000',
      does: 'the policy of ./sallyport.yaml, elsewhere',
    },
  ],
  notes: [
    'SIGHUP reads the policy again, whole or not at all, and fetches all keys. SIGTERM and Ctrl-C finish what is in flight and exit 0; a second one exits at once.',
  ],
  load: async () => (await import('./run.ts')).run,
};

const DEV: Command = {
  name: 'dev',
  summary: 'Try it here: a gateway with an issuer, callers and a sample API of its own',
  positionals: [],
  options: {
    config: {
      value: 'FILE',
      short: 'c',
      describes: 'a policy of your own, whose issuers sign with development keys; without it one for any API',
    },
    upstream: {
      value: 'URL',
      describes:
        'your own API behind the gateway, in the place of every upstream of --config; without both a small sample API',
    },
    listen: {
      value: 'ADDRESS',
      describes: 'gateway, on loopback only (default 127.0.0.1:8080, or the next free port)',
    },
    admin: {
      value: 'ADDRESS',
      describes: 'admin listener, or `none` (default 127.0.0.1:9901, or the next free port)',
    },
    'issuer-port': {
      value: 'PORT',
      describes: 'port of the development issuer (default 9902, or the next free port)',
    },
    'print-policy': { describes: 'print the policy that it serves, and stop' },
  },
  examples: [
    { line: 'dev', does: 'start, and print curl lines that show 200, 401 and 403' },
    { line: 'dev --upstream http://127.0.0.1:3000', does: 'put your own API behind it' },
    {
      line: 'dev --config sallyport.yaml --upstream http://127.0.0.1:3000',
      does: 'try a policy of your own, with tokens of its issuers from `token`',
    },
    { line: 'dev --print-policy > sallyport.yaml', does: 'a policy to start your own from' },
  ],
  notes: [
    'With --config all that the file says holds, but for `listen`, `admin` and the keys of its issuers; a list of keys or users whose file is not there is empty.',
    'Keys live in memory and end with the process. It listens on loopback only, and refuses to start with NODE_ENV=production or inside Kubernetes.',
  ],
  load: async () => (await import('./dev.ts')).dev,
};

const TOKEN: Command = {
  name: 'token',
  summary: 'Get a token, good or bad on purpose, from the `dev` that runs here',
  positionals: [
    {
      name: 'PERSONA',
      required: true,
      describes: 'alice, bob or carol; any name where `dev` has a --config',
    },
  ],
  options: {
    expired: { describes: 'expired an hour ago' },
    'not-yet': { describes: 'good only from an hour ahead' },
    'wrong-audience': { describes: 'meant for another API' },
    'bad-signature': { describes: 'with a signature that does not verify' },
    scope: { value: '"A B"', describes: 'these scopes instead of the persona\'s; "" for none' },
    role: { value: '"A B"', describes: 'these roles instead of the persona\'s; "" for none' },
    claims: { value: 'JSON', describes: 'further claims as a JSON object, over all others' },
    issuer: { value: 'NAME', describes: 'which issuer of the policy (default the first)' },
    ttl: { value: 'DURATION', describes: 'lifetime, as in 30s, 5m, 1h (default 1h, at most 24h)' },
    algorithm: { value: 'ALG', describes: 'signature algorithm (default ES256 where the issuer takes it)' },
    dev: { value: 'URL', describes: "the development issuer's origin (default http://127.0.0.1:9902)" },
  },
  examples: [
    { line: 'token alice', does: 'a good token of alice, one line on stdout' },
    { line: 'token alice --expired', does: 'for a 401 with token_expired' },
    {
      line: 'token carol --scope "orders:read orders:write" --ttl 5m',
      does: 'what carol may not do by herself',
    },
    {
      line: 'token ana --issuer corp --role admin --claims \'{"tenant":"acme"}\'',
      does: 'for a policy of your own (`dev --config`)',
    },
  ],
  load: async () => (await import('./token.ts')).token,
};

const CHECK: Command = {
  name: 'check',
  summary: 'Say everything that is wrong with a policy, each with its place and a way out',
  positionals: [
    {
      name: 'FILE',
      required: false,
      repeated: true,
      describes: 'policy file, as with --config; - for standard input. Each of several is checked by itself',
    },
  ],
  options: {
    config: CONFIG,
    strict: { describes: 'warnings fail too' },
    json: { describes: 'the result as JSON on stdout, for programs; of several files a list' },
    detached: {
      describes:
        'undefined variables and missing files pass as unknown values, as in a pipeline without secrets',
    },
    online: { describes: "fetch every issuer's keys as well; exit code 69 when one cannot be had" },
  },
  examples: [
    { line: 'check sallyport.yaml', does: 'check one file' },
    { line: 'check --strict --detached config/sallyport.yaml', does: 'in a pipeline, without its secrets' },
    { line: 'check --online', does: 'can the keys be fetched from here?' },
    { line: 'check --detached - < rendered.yaml', does: 'what another program has written' },
    { line: 'check a.yaml b.yaml', does: 'each file, and the worst exit code of them' },
  ],
  notes: [
    'The files that a policy from standard input names are looked for in the working directory. A file that is called - is written ./-; a file that is named twice is a usage error.',
    'Exit codes: 0 good; 1 a warning with --strict; 69 an issuer cannot be reached; 78 the file is refused.',
  ],
  load: async () => (await import('./check.ts')).check,
};

const HEALTHCHECK: Command = {
  name: 'healthcheck',
  summary: 'Ask a running gateway on this machine whether it is ready; for containers',
  positionals: [],
  options: {
    config: CONFIG,
    admin: {
      value: 'ADDRESS',
      describes: 'admin listener to ask (default: that of the policy file, else 127.0.0.1:9901)',
      variable: 'SALLYPORT_ADMIN',
    },
    live: { describes: 'ask only whether it runs (/livez), not whether it is ready (/readyz)' },
    timeout: { value: 'DURATION', describes: 'give up after this long (default 3s)' },
  },
  examples: [
    { line: 'healthcheck', does: 'exit 0 when ready, 1 when not' },
    { line: 'healthcheck --live --timeout 1s', does: 'exit 0 when the process answers' },
  ],
  load: async () => (await import('./healthcheck.ts')).healthcheck,
};

const HASH_KEY: Command = {
  name: 'hash-key',
  summary: 'Make an API key, and the entry of `api_keys` that accepts it',
  positionals: [],
  options: { id: { value: 'NAME', describes: 'id of the entry, for the log (default new-key)' } },
  examples: [
    { line: 'hash-key --id ci', does: 'the key on stderr, the entry for keys or keys_file on stdout' },
    { line: 'hash-key --id ci >> machine-keys.yaml', does: 'add it to a keys_file' },
  ],
  notes: ['The policy holds the SHA-256 of a key only: a lost key is replaced, not recovered.'],
  load: async () => (await import('./hash-key.ts')).hashKey,
};

const HASH_PASSWORD: Command = {
  name: 'hash-password',
  summary: 'Hash a password, and make the entry of `basic` that takes it',
  positionals: [],
  options: {
    username: { value: 'NAME', describes: 'name of the user (default new-user)' },
    algorithm: { value: 'ALG', describes: 'argon2id (default) or scrypt' },
  },
  examples: [
    { line: 'hash-password --username alice', does: 'ask for the password, print the entry for users' },
    { line: 'hash-password --username alice < password.txt', does: 'one line from a file or a pipe' },
  ],
  notes: ['The password is read from standard input only: arguments are seen by other processes.'],
  load: async () => (await import('./hash-password.ts')).hashPasswordCommand,
};

const VERSION: Command = {
  name: 'version',
  summary: 'Print the version',
  positionals: [],
  options: {},
  examples: [{ line: 'version', does: 'the version of sallyport and of Node' }],
  load: async () => (await import('./version.ts')).version,
};

const HELP: Command = {
  name: 'help',
  summary: 'Explain a command',
  positionals: [{ name: 'COMMAND', required: false, describes: 'the command to explain' }],
  options: {},
  examples: [{ line: 'help check', does: 'what `check` does and takes' }],
  load: async () => (await import('./help.ts')).help,
};

/** All commands, in the order of the overview. */
export const COMMANDS: readonly Command[] = [
  RUN,
  DEV,
  TOKEN,
  CHECK,
  HASH_KEY,
  HASH_PASSWORD,
  HEALTHCHECK,
  VERSION,
  HELP,
];

/** Options that every command takes. */
export const COMMON_OPTIONS: Readonly<Record<string, OptionDeclaration>> = {
  help: { short: 'h', describes: 'explain this command' },
  'no-color': { describes: 'no colours, as with NO_COLOR=1' },
};

/** The command of that name, or undefined. */
export function findCommand(name: string): Command | undefined {
  return COMMANDS.find((command) => command.name === name);
}
