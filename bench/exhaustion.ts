/**
 * Callers who want to use the gateway up, each kind for a while, against a real `sallyport run`, beside a good caller who
 * must not notice: served always, and about as fast as in the quiet windows before and after. See README.md.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { attacks } from './exhaustion/attacks.ts';
import { descriptorLimit } from './exhaustion/gateway.ts';
import { play } from './exhaustion/play.ts';
import { judge, type Verdict } from './exhaustion/verdict.ts';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '15' },
    /** Of floods, per second. */
    rate: { type: 'string', default: '1000' },
    /** Of the good caller, per second. */
    caller: { type: 'string', default: '200' },
    /** How many times its quiet value the 99th percentile of the good caller may be. */
    factor: { type: 'string', default: '3' },
    only: { type: 'string', multiple: true },
    /** The good caller asks the upstream directly. */
    past: { type: 'boolean', default: false },
    source: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});

/** What 10,000 connections need, with those to spare that a process has besides. */
const DESCRIPTORS = 10_200;
const NAME_WIDTH = 24;
const TITLES = `${columns([
  'attack',
  'count',
  'good caller',
  'p99 ms quiet > now',
  'RSS MiB before/most/after (bound)',
  'descriptors (bound)',
  'CPU us',
  'livez ms',
])} answers, verdict`;

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const bundle = here('../dist/sallyport.mjs');
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(1));

const wanted = options.only ?? [];
const unknown = wanted.filter((name) => !attacks.some((attack) => attack.name === name));
const chosen = attacks.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
if (unknown.length > 0) {
  console.error(`no attack ${unknown.join(', ')}; there are ${attacks.map(({ name }) => name).join(', ')}`);
  process.exitCode = 1;
} else if (options.list) {
  for (const { name, what } of attacks) console.log(`${name.padEnd(NAME_WIDTH)} ${what}`);
} else {
  const verdicts = await playAll();
  if (options.json) console.log(JSON.stringify({ descriptorLimit: descriptorLimit(), attacks: verdicts }));
  if (options.check && verdicts.some(({ violations }) => violations.length > 0)) process.exitCode = 1;
}

async function playAll(): Promise<readonly Verdict[]> {
  const say = (text: string): void => {
    if (!options.json) console.log(text);
  };
  const limit = descriptorLimit();
  if (limit < DESCRIPTORS) {
    console.error(
      `a process may have ${limit} descriptors here: fewer connections than are meant (ulimit -n)`,
    );
  }
  say(TITLES);
  const verdicts: Verdict[] = [];
  for (const attack of chosen) {
    const played = await play(attack, {
      program: options.source || !existsSync(bundle) ? here('../src/main.ts') : bundle,
      seconds: Number(options.seconds),
      rate: Number(options.rate),
      callerRate: Number(options.caller),
      past: options.past,
    });
    const verdict = judge(played, Number(options.factor));
    verdicts.push(verdict);
    say(line(verdict));
    if (played.complaints !== '') console.error(played.complaints);
  }
  return verdicts;
}

function line({ name, count, unit, good, p99, mebibytes, descriptors, ...rest }: Verdict): string {
  const { cpuMicrosecondsPerUnit, probes, answers, violations } = rest;
  const failures = Object.keys(good.failures).length === 0 ? '' : ` ${JSON.stringify(good.failures)}`;
  const texts = columns([
    name,
    `${count} ${unit}`,
    `${good.good}/${good.sent}${failures}`,
    `${p99.quiet} > ${p99.attacked} (x${p99.ratio})`,
    `${mebibytes.before}/${mebibytes.most}/${mebibytes.after} (${mebibytes.bound})`,
    `${descriptors.before}/${descriptors.most}/${descriptors.after} (${descriptors.bound})`,
    String(cpuMicrosecondsPerUnit),
    String(probes.slowest),
  ]);
  const got = Object.entries(answers).map(([what, times]) => `${what}:${times}`);
  return `${texts} ${got.join(' ')} ${violations.length === 0 ? 'ok' : `MISSED: ${violations.join(', ')}`}`;
}

function columns(texts: readonly string[]): string {
  const widths = [NAME_WIDTH, 18, 12, 26, 34, 26, 8, 8];
  return texts.map((text, at) => text.padEnd(widths[at] ?? 0)).join(' ');
}
