/**
 * Keys under load for a long time: a real `sallyport run` before a provider that rotates its key every 20 s and fails in
 * eight ways, callers with good and bad tokens at a steady rate, and an oracle that knows which answers are right. Fails
 * on any wrong answer, on too many fetches, on fetches that are overdue, and on memory that grows. See README.md.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { startMeasured } from './measured-process.ts';
import { type Callers, createCallers, type ShownToken } from './soak/callers.ts';
import { residentBytes, type Sample, slopeOf } from './soak/memory.ts';
import { mostAttempts, type Promises, stallsOf } from './soak/oracle.ts';
import { createRandom, type Plan, planRun } from './soak/plan.ts';
import { type SoakProvider, startProvider } from './soak/provider.ts';
import { type Answer, Judge } from './soak/tally.ts';

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    /** Tokens that nobody has seen, each second: 100,000 in 20 minutes. */
    rate: { type: 'string', default: '84' },
    seed: { type: 'string', default: '1' },
    bundle: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

const MINUTE = 60_000;
const TICK = 20;
/** Of every so many requests one shows a token again. */
const AGAIN_SHARE = 5;
const SAMPLE_EVERY = 5000;
/** Memory is judged from here on, in runs of at least `JUDGED_FROM` milliseconds. */
const SETTLED = 5 * MINUTE;
const JUDGED_FROM = 10 * MINUTE;
const MOST_GROWTH = 1;
const AUDIENCE = 'soak-api';
/** What the policy below says, and how long a change may take to arrive on a busy machine. */
const PROMISES: Promises = { cooldown: 5000, interval: 30_000, timeout: 2000, maxStale: 90_000, slack: 1500 };

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const seed = Number(options.seed);
const plan = planRun(Number(options.minutes), seed);
const say = (text: string): void => {
  if (!options.json) console.log(text);
};

const directory = mkdtempSync(join(tmpdir(), 'sallyport-soak-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(1));
const upstream = { requests: 0 };
const echo = createServer((request, response) => {
  upstream.requests += 1;
  response.end(String(request.headers['x-auth-subject']));
}).listen(0, '127.0.0.1');
await once(echo, 'listening');
const provider = await startProvider();
const callers = createCallers(provider.url, AUDIENCE, seed);
const policy = join(directory, 'sallyport.yaml');
writeFileSync(policy, policyFor((echo.address() as AddressInfo).port, provider.url));
rotateTo(plan, 0);
const gateway = await startMeasured({
  command: [
    process.execPath,
    here(options.bundle ? '../dist/sallyport.mjs' : '../src/main.ts'),
    'run',
    '--config',
    policy,
  ],
  core: null,
  port: /"public":\["127\.0\.0\.1:(\d+)"\]/,
});
const pool = new Pool(`http://127.0.0.1:${gateway.port}`, { connections: 256, pipelining: 1 });
try {
  await becomeReady();
  const failed = report(await run());
  process.exitCode = failed ? 1 : 0;
} finally {
  await pool.destroy();
  await gateway.stop();
  await provider.stop();
  echo.closeAllConnections();
  echo.close();
}

/** What a run brought to light. */
interface Run {
  readonly judge: Judge;
  readonly start: number;
  readonly end: number;
  readonly samples: readonly Sample[];
  readonly distinct: number;
  readonly forwarded: number;
}

async function run(): Promise<Run> {
  const start = Date.now();
  upstream.requests = 0;
  const judge = new Judge(provider.history, PROMISES, start);
  const count = { distinct: 0, forwarded: 0 };
  const samples: Sample[] = [];
  const timers = schedule(plan, provider, callers);
  const sampling = setInterval(() => {
    samples.push({ at: Date.now() - start, bytes: residentBytes(gateway.pid) });
  }, SAMPLE_EVERY);
  const random = createRandom(seed + 1);
  const open = new Set<Promise<void>>();
  const show = (token: ShownToken, again: boolean): void => {
    const sent = Date.now();
    judge.shows(token, sent);
    const shown = ask(token).then((answer) => {
      open.delete(shown);
      if (answer.verdict === 'ok') count.forwarded += 1;
      judge.judge(token, { sent, answered: Date.now() }, answer, again);
    });
    open.add(shown);
  };
  for (let now = start; now < start + plan.length; now = Date.now()) {
    const guessing = plan.floods.some(({ from, to }) => now - start >= from && now - start < to);
    const due = Math.floor(((now - start) / 1000) * Number(options.rate));
    for (; count.distinct < due; count.distinct += 1) {
      show(callers.make(guessing), false);
      const again = random() < 1 / AGAIN_SHARE ? callers.again() : null;
      if (again !== null) show(again, true);
    }
    await new Promise((resolve) => setTimeout(resolve, TICK));
  }
  await Promise.all(open);
  clearInterval(sampling);
  for (const timer of timers) clearTimeout(timer);
  return { judge, start, end: Date.now(), samples, ...count };
}

/** Plans all that the provider does. */
function schedule({ keys, outages }: Plan, target: SoakProvider, whose: Callers): NodeJS.Timeout[] {
  const timers: NodeJS.Timeout[] = [];
  const at = (milliseconds: number, act: () => void | Promise<void>): void => {
    timers.push(setTimeout(() => void act(), milliseconds));
  };
  for (const [place, key] of keys.entries()) {
    if (place > 0) at(key.from, () => rotateTo(plan, place));
    at(key.withdrawn, () => {
      target.withdraw(key.kid);
      whose.withdrawn(key.kid);
    });
  }
  for (const { from, to, kind } of outages) {
    at(from, () => {
      say(`${seconds(from)}  the provider fails: ${kind}`);
      return target.fail(kind);
    });
    at(to, () => {
      say(`${seconds(to)}  the provider is well again`);
      return target.recover();
    });
  }
  return timers;
}

/** Published and used in one moment: the gateway meets the key in a token first. */
function rotateTo({ keys }: Plan, place: number): void {
  const key = keys[place];
  if (key !== undefined) provider.publish(callers.rotate(key));
}

/** Shows one token. Never rejects. */
async function ask(token: ShownToken): Promise<Answer> {
  try {
    const { statusCode, headers, body } = await pool.request({
      method: 'GET',
      path: '/orders/1',
      headers: { authorization: `Bearer ${token.text}` },
      headersTimeout: 30_000,
      bodyTimeout: 30_000,
    });
    const text = await body.text();
    if (statusCode === 200) {
      return text === token.subject
        ? { verdict: 'ok', said: '200' }
        : { verdict: 'other', said: `200 as ${text}` };
    }
    const said = `${statusCode} ${text}`;
    if (statusCode === 401) {
      if (text === '{"error":"unauthorized","code":"token_expired"}')
        return { verdict: 'token_expired', said };
      if (text === '{"error":"unauthorized","code":"invalid_token"}')
        return { verdict: 'invalid_token', said };
    }
    const unavailable =
      statusCode === 503 && text === '{"error":"service_unavailable","code":"auth_unavailable"}';
    return { verdict: unavailable && headers['retry-after'] !== undefined ? 'unavailable' : 'other', said };
  } catch (error) {
    return { verdict: 'other', said: String(error) };
  }
}

async function becomeReady(): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const { verdict } = await ask(callers.make(false));
    if (verdict === 'ok') return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the gateway takes no good token');
}

/** Prints what was found. @returns whether anything is wrong */
function report({ judge, start, end, samples, distinct, forwarded }: Run): boolean {
  const tally = judge.result();
  const { history } = provider;
  const failing = history.doubts.reduce((sum, doubt) => sum + Math.min(doubt.to, end) - doubt.from, 0);
  const attempts = history.attempts.filter((at) => at >= start).length;
  const bound = mostAttempts(end - start, failing, history, PROMISES);
  const stalls = stallsOf(history, end, PROMISES).map((at) => at - start);
  const growth = slopeOf(samples, plan.length < JUDGED_FROM ? 0 : SETTLED);
  const sizes = samples.map(({ bytes }) => Math.round(bytes / 1024 / 1024));
  const problems = {
    'wrong answers': tally.wrong > 0,
    'the upstream saw other requests than were let through': upstream.requests !== forwarded,
    'more fetches than allowed': attempts > bound,
    'fetches overdue': stalls.length > 0,
    'memory grows': plan.length >= JUDGED_FROM && (growth === null || growth >= MOST_GROWTH),
    'no new key was met': tally.newKeys === 0,
  };
  const violations = Object.entries(problems).flatMap(([name, found]) => (found ? [name] : []));
  const summary = {
    seed,
    seconds: Math.round((end - start) / 1000),
    tokens: distinct,
    ...tally,
    forwarded,
    upstream_requests: upstream.requests,
    keys: plan.keys.length,
    outages: plan.outages.map(({ kind }) => kind),
    floods: plan.floods.length,
    fetches: { counted: attempts, most: bound, requests: provider.requests(), overdue_at: stalls },
    memory: {
      first_mib: sizes[0] ?? null,
      last_mib: sizes.at(-1) ?? null,
      most_mib: Math.max(0, ...sizes),
      mib_per_minute: growth === null ? null : Math.round(growth * 1000) / 1000,
      judged: plan.length >= JUDGED_FROM,
    },
    violations,
  };
  console.log(options.json ? JSON.stringify(summary) : readable(summary));
  return violations.length > 0;
}

function readable(summary: object): string {
  return Object.entries(summary)
    .map(([name, value]) =>
      name === 'counts' || name === 'examples'
        ? `${name}:\n${Object.entries(value)
            .map(([each, found]) => `  ${each.padEnd(22)} ${JSON.stringify(found)}`)
            .join('\n')}`
        : `${name}: ${JSON.stringify(value)}`,
    )
    .join('\n');
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1).padStart(7)} s`;
}

function policyFor(upstreamPort: number, issuer: string): string {
  const { cooldown, interval, timeout, maxStale } = PROMISES;
  return `listen: 127.0.0.1:0
admin: none
upstream: http://127.0.0.1:${upstreamPort}
log: {allowed: none}
issuers:
  soak:
    issuer: ${issuer}
    audience: ${AUDIENCE}
    leeway: 0s
    refresh: {cooldown: ${cooldown}ms, interval: ${interval}ms, timeout: ${timeout}ms, max_stale: ${maxStale}ms}
routes:
  - path: /**
`;
}
