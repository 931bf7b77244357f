/** The part of the golden record about the command line. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const COMMANDS = [
  'run',
  'dev',
  'token',
  'check',
  'hash-key',
  'hash-password',
  'healthcheck',
  'version',
  'help',
];
const GOOD = `upstream: http://127.0.0.1:3000
issuers: {corp: {issuer: "https://login.example.com", audience: orders-api}}
routes: [{path: /**}]
`;
const FILES: Readonly<Record<string, string>> = {
  'good.yaml': GOOD,
  'keys.yaml': GOOD.replace('upstream', 'upsteam').replace('/**', '/a*'),
  'yaml.yaml': `${GOOD}a: "x\n`,
  'empty.yaml': '',
};

/** The record: each command with what it wrote and its exit code. */
export async function recordCommands(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-golden-'));
  try {
    for (const [name, text] of Object.entries(FILES)) writeFileSync(join(directory, name), text);
    const runs = [
      [],
      ['--help'],
      ['nonsense'],
      ...COMMANDS.map((command) => ['help', command]),
      ...COMMANDS.map((command) => [command, '--nonsense']),
      ...[...Object.keys(FILES), 'absent.yaml'].flatMap((name) =>
        [[], ['--json'], ['--strict'], ['--detached', '--json']].map((more) => ['check', name, ...more]),
      ),
    ];
    return runs.map((words) => run(words, directory)).join('\n');
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function run(words: readonly string[], directory: string): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'src/main.ts'), ...words], {
    cwd: directory,
    env: { PATH: process.env.PATH ?? '' },
    encoding: 'utf8',
  });
  const text = `$ ${words.join(' ')}\n${stdout}${stderr}exit ${status}\n`;
  return text
    .replaceAll(directory, 'DIR')
    .replaceAll(ROOT, 'ROOT/')
    .replace(/node \S*main\.ts/g, 'node MAIN');
}
