import t from 'tap';
import manifest from '../../package.json' with { type: 'json' };
import { COMMANDS } from '../../src/cli/commands.ts';
import { readDuration } from '../../src/cli/duration.ts';
import { unsupportedNode } from '../../src/cli/node-version.ts';
import { plainText } from '../../src/cli/output.ts';
import { invoke } from '../fixtures/invocation.ts';

const REFUSED: readonly [title: string, line: string, stderr: RegExp][] = [
  ['a misspelt command names the nearest', 'chekc', /unknown command "chekc"; did you mean `check`\?/],
  ['a command like no other names none', 'frobnicate', /unknown command "frobnicate"\n/],
  [
    'a misspelt option names the nearest',
    'check --strcit',
    /unknown option --strcit; did you mean --strict\?/,
  ],
  ['an option of another command is unknown', 'version --strict', /unknown option --strict\n/],
  ['an unknown short option is unknown', 'check -x', /unknown option -x/],
  ['options of the prototype are unknown', 'check --constructor', /unknown option --constructor/],
  ['an option before the command', '--strict check', /options come after the command/],
  ['a value that is missing', 'check --config', /--config needs a value: --config FILE/],
  ['a value that is the next option', 'check --config --json', /--config needs a value before --json/],
  ['a value for a switch', 'check --json=yes', /--json is a switch/],
  ['an option twice', 'check -c a --config b', /--config is given twice/],
  ['a positional too many', 'help check b', /unexpected argument "b"\n/],
  ['a positional for a command without', 'version 1', /unexpected argument "1"/],
  ['a positional that is missing', 'token', /PERSONA is missing/],
  ['a file both ways', 'check a --config b', /name the same thing/],
  ['a file twice', 'check a b a', /^sallyport: a is given twice; name each file once\n/],
  ['a file twice, spelt otherwise', 'check a ./x/../a', /\.\/x\/\.\.\/a is given twice/],
  ['standard input twice', 'check - a -', /^sallyport: - is given twice; standard input can be read once/],
  ['help about nothing known', 'help tokn', /did you mean `token`\?\nTry: sallyport help\n/],
  ['online without values', 'check --online --detached x', /--online needs the values/],
  ['a token that is expired and not yet good', 'token alice --expired --not-yet', /exclude each other/],
  ['a lifetime without unit', 'token alice --ttl 5', /--ttl 5 needs a unit: 5s or 5m\n/],
  ['a file without --config', 'run small.yaml', /"small\.yaml"; did you mean --config small\.yaml\?/],
  ['a file besides --config', 'run a.yaml -c b.yaml', /unexpected argument "a\.yaml"\n/],
  ['a lifetime beyond a day', 'token alice --ttl 25h', /--ttl "25h" must be/],
  ['a lifetime in fractions of a second', 'token alice --ttl 1500ms', /--ttl/],
  ['a dev that is no URL', 'token alice --dev 9902', /--dev "9902" must be a URL/],
  ['a dev on another machine', 'token alice --dev http://192.0.2.1:9902', /on this machine/],
  ['dev on all interfaces', 'dev --listen :8080', /loopback only.*--listen 127\.0\.0\.1:8080/],
  ['dev on another address', 'dev --listen 192.0.2.1:8080', /loopback only/],
  ['dev on a name', 'dev --listen gateway.example:8080', /loopback only/],
  [
    'dev with its admin on all interfaces',
    'dev --admin 0.0.0.0:9901',
    /loopback only.*--admin 127\.0\.0\.1:9901/,
  ],
  ['dev with a policy of two kinds', 'dev --print-policy --config a.yaml', /leave --config out/],
  ['dev on a socket', 'dev --listen unix:/tmp/x', /loopback only/],
  ['dev on no address', 'dev --listen nonsense', /--listen "nonsense"/],
  ['dev before something that is no URL', 'dev --upstream 127.0.0.1:3000', /--upstream/],
  ['an issuer port that there is not', 'dev --issuer-port 70000', /0 to 65535/],
  ['a health check that waits for nothing', 'healthcheck --timeout 3', /--timeout must be a duration/],
  ['a health check of no address', 'healthcheck --admin 9901', /admin address/],
];

for (const [title, line, stderr] of REFUSED) {
  t.test(`usage: ${title}: exit 2 and a way out`, async (t) => {
    const outcome = await invoke(line.split(' '));
    t.equal(outcome.code, 2);
    t.match(outcome.stderr, stderr);
    t.match(outcome.stderr, /Try: sallyport help/);
    t.equal(outcome.stdout, '');
  });
}

t.test('without a command: the overview on stderr, exit 2', async (t) => {
  const { code, stdout, stderr } = await invoke([]);
  t.equal(code, 2);
  t.equal(stdout, '');
  t.match(stderr, /Begin here[\s\S]*sallyport dev[\s\S]*Commands/);
});

for (const words of [['help'], ['--help'], ['-h']]) {
  t.test(`${words}: the overview on stdout leads with examples and lists every command`, async (t) => {
    const { code, stdout } = await invoke(words);
    t.equal(code, 0);
    t.ok(stdout.indexOf('Begin here') < stdout.indexOf('Commands'));
    for (const { name, summary } of COMMANDS)
      t.match(stdout, new RegExp(`^  ${name}\\b.* ${literally(summary)}$`, 'm'));
  });
}

for (const command of COMMANDS) {
  t.test(
    `help ${command.name}: examples first, then every option; the same as ${command.name} --help`,
    async (t) => {
      const { code, stdout } = await invoke(['help', command.name]);
      t.equal(code, 0);
      t.ok(stdout.indexOf('Examples') < stdout.indexOf('Options'));
      for (const option of Object.keys(command.options)) t.match(stdout, `--${option}`);
      for (const line of stdout.split('\n')) t.ok(line.length <= 120, line);
      t.same(await invoke([command.name, '--help']), { code, stdout, stderr: '' });
    },
  );
}

for (const words of [['version'], ['--version'], ['-v']]) {
  t.test(`${words}: the version of the package, on stdout`, async (t) => {
    const { code, stdout } = await invoke(words);
    t.equal(code, 0);
    t.match(
      stdout,
      new RegExp(
        `^sallyport ${literally(manifest.version)} \\(node ${literally(process.versions.node)},.*\\)\\n$`,
      ),
    );
  });
}

const COLOURS: readonly [
  title: string,
  environment: Record<string, string>,
  terminal: boolean,
  coloured: boolean,
][] = [
  ['a terminal', {}, true, true],
  ['a pipe', {}, false, false],
  ['a terminal and NO_COLOR', { NO_COLOR: '1' }, true, false],
  ['a terminal and an empty NO_COLOR', { NO_COLOR: '' }, true, true],
  ['a pipe and FORCE_COLOR', { FORCE_COLOR: '1' }, false, true],
  ['a terminal and FORCE_COLOR=0', { FORCE_COLOR: '0' }, true, false],
  ['FORCE_COLOR and NO_COLOR', { FORCE_COLOR: '1', NO_COLOR: '1' }, true, false],
  ['a dumb terminal', { TERM: 'dumb' }, true, false],
];
for (const [title, environment, terminal, coloured] of COLOURS) {
  t.test(`${title}: ${coloured ? 'colours' : 'no colours'}`, async (t) => {
    const { stdout } = await invoke(['help'], environment, terminal);
    t.equal(stdout.includes('\u001b['), coloured);
  });
}

t.test('--no-color on a terminal: no colours', async (t) => {
  const { stdout } = await invoke(['help', '--no-color'], {}, true);
  t.notMatch(stdout, '\u001b[');
});

for (const environment of [{ NODE_ENV: 'production' }, { KUBERNETES_SERVICE_HOST: '10.0.0.1' }]) {
  for (const line of ['dev', 'token alice']) {
    t.test(`${line} with ${Object.keys(environment)}: refused, exit 78, nothing started`, async (t) => {
      const { code, stdout, stderr } = await invoke(line.split(' '), environment);
      t.equal(code, 78);
      t.match(stderr, /for development only/);
      t.equal(stdout, '');
    });
  }
}

t.test('control characters of arguments do not reach the terminal', async (t) => {
  const { stderr } = await invoke(['help', '\u001b[2Jx', 'b\u001b]0;title\u0007']);
  t.match(stderr, /unexpected argument/);
  t.notMatch(stderr, /[\u0000-\u0009\u000b-\u001f\u007f]/);
  t.equal(plainText('a\u001b[2J\u202eb\u2028c\n'), 'a\\x1b[2J\\u{202e}b\\u{2028}c\\x0a');
});

t.test('only a Node on which the gate is whole will do', async (t) => {
  for (const version of ['24.9.0', '24.21.0', '26.0.0', '28.1.2'])
    t.equal(unsupportedNode(version), null, version);
  for (const version of ['18.20.0', '20.20.2', '22.22.0', '24.8.0', '25.9.0']) {
    t.match(unsupportedNode(version), new RegExp(`Node ${literally(version)} will not do`));
  }
});

t.test('durations have a unit', async (t) => {
  t.same(['500ms', '30s', '5m', '1h', '5', '', '5d', '-5s', '1.5s'].map(readDuration), [
    500,
    30_000,
    300_000,
    3_600_000,
    ...Array(5).fill(null),
  ]);
});

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
