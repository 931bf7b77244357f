/** The part of the golden record about policies: the texts of the tests, and mutations of them. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { createRandom, type Random } from '../fuzz/random.ts';
import { findingsOf } from './adapter.ts';

type Sample = readonly [text: string, detached: boolean, development: boolean];

const SEED = 20_260_601;

/** Pieces that mean something in YAML or in a policy. */
const PIECES = [
  ...['- ', ': ', '"', "'", '{', '}', '[', ']', '#', '|', '>', '&a', '*a', '!x', '\n', '  ', '\t', ',', '?'],
  ...['null', 'true', '0', '-1', '1e9', '10s', '5m', '1GB', '*', '**', '/**', '{id}', '{id...}', ':id', '$X'],
  ...[
    'auth: none',
    'require: {',
    'scopes: ',
    'roles: ',
    'when: ',
    'path: ',
    'host: ',
    'methods: ',
    'upstream: ',
  ],
  ...[
    'https://x.example',
    'http://x',
    '\u00e9',
    '\u2028',
    '\u0000',
    '$' + '{VARIABLE}',
    '__proto__',
    'constructor',
  ],
];

/**
 * The record, a paragraph for each text.
 * @param mutations how many, besides the texts themselves
 * @param most so many of the texts at most
 */
export async function recordPolicies(mutations: number, most = Number.POSITIVE_INFINITY): Promise<string> {
  const samples = readSamples().slice(0, most);
  const random = createRandom(SEED);
  const all = [...samples, ...Array.from({ length: mutations }, () => mutated(random, samples))];
  const paragraphs: string[] = [];
  for (const [index, [text, detached, development]] of all.entries()) {
    const findings = await findingsOf(text, { detached, development });
    paragraphs.push(
      `# ${index} ${JSON.stringify(text.slice(0, 60))}\n${findings.map(onOneLine).join('\n')}\n`,
    );
  }
  return paragraphs.join('\n');
}

function readSamples(): readonly Sample[] {
  const packed = readFileSync(new URL('policies.jsonl.gz', import.meta.url));
  const lines = gunzipSync(packed).toString('utf8').trimEnd().split('\n');
  return lines.map((line): Sample => JSON.parse(line));
}

/** One text with one to three changes. */
function mutated(random: Random, samples: readonly Sample[]): Sample {
  const [text, detached, development] = random.pick(samples);
  let changed = text;
  for (let left = 1 + random.below(3); left > 0; left -= 1) {
    changed = mutate(changed, random, samples);
  }
  return [changed, detached, development];
}

function mutate(text: string, random: Random, samples: readonly Sample[]): string {
  const at = random.below(text.length + 1);
  const lines = text.split('\n');
  const line = random.below(lines.length);
  switch (random.below(6)) {
    case 0:
      return text.slice(0, at) + random.pick(PIECES) + text.slice(at);
    case 1:
      return text.slice(0, at) + text.slice(at + 1 + random.below(8));
    case 2:
      return [...lines.slice(0, line), ...lines.slice(line + 1)].join('\n');
    case 3:
      return [...lines.slice(0, line + 1), ...lines.slice(line)].join('\n');
    case 4:
      return [...lines.slice(0, line), `  ${lines[line] ?? ''}`, ...lines.slice(line + 1)].join('\n');
    default:
      return [...lines, random.pick(random.pick(samples)[0].split('\n'))].join('\n');
  }
}

function onOneLine(text: string): string {
  return text.replaceAll('\n', '\\n');
}
