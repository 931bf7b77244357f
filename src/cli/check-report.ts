/** What `check` found, as text for people and as JSON for programs. Never shows a secret of the policy. */
import { formatListenAddress } from '../listen-on.ts';
import type { LoadedPolicy, RefusedPolicy } from '../policy/load-policy.ts';
import type { Policy, UpstreamPolicy } from '../policy/policy.ts';
import { formatProblem, type Problem } from '../policy/problem.ts';
import type { IssuerPolicy } from '../policy/sources.ts';
import { writtenIssuers } from '../policy/written-issuers.ts';
import type { IssuerAnswer } from './check-online.ts';
import { onlineLines } from './online-report.ts';
import { type Paint, plainText } from './output.ts';

/** The findings and, for a good file, what it holds. Its members are the JSON of `check --json`. */
export interface CheckReport {
  readonly file: string;
  readonly ok: boolean;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Empty without `--online`. */
  readonly online: readonly IssuerAnswer[];
  /** Null for a refused file. */
  readonly summary: PolicySummary | null;
}

/** A policy in a few words. */
export interface PolicySummary {
  readonly listen: readonly string[];
  readonly admin: string | null;
  readonly issuers: readonly {
    readonly name: string;
    readonly preset: string | null;
    /** As written: `{tenant}` stands for each of `tenants`. */
    readonly issuer: readonly string[];
    /** Null without templates. */
    readonly tenants: readonly string[] | 'any' | null;
    readonly keys: string;
  }[];
  readonly api_keys: readonly { readonly name: string; readonly keys: number }[];
  readonly basic: readonly { readonly name: string; readonly users: number }[];
  readonly upstreams: readonly { readonly name: string; readonly url: readonly string[] }[];
  readonly routes: readonly RouteSummary[];
}

/** A route in a few words. */
export interface RouteSummary {
  readonly id: string;
  readonly host: string | null;
  readonly path: string;
  readonly methods: readonly string[] | null;
  readonly auth: string;
}

/** Puts the findings together; `ok` tells of problems and of issuers, not of warnings. */
export function checkReport(
  file: string,
  loaded: LoadedPolicy | RefusedPolicy,
  online: readonly IssuerAnswer[],
): CheckReport {
  const problems = loaded.ok ? [] : loaded.problems;
  return {
    file,
    ok: loaded.ok && online.every(({ ok }) => ok),
    problems,
    warnings: loaded.warnings,
    online,
    summary: loaded.ok ? summarize(loaded.policy) : null,
  };
}

/** One JSON document: the report of one file, or a list of those of several. */
export function jsonReport(reports: readonly [CheckReport, ...CheckReport[]]): string {
  const [first, ...further] = reports;
  return `${JSON.stringify(further.length === 0 ? first : reports, null, 2)}\n`;
}

/** One line for each finding, then the verdict, then the summary of a good file. */
export function textReport(report: CheckReport, paint: Paint): string {
  const { problems, warnings, online } = report;
  const lines = [
    ...problems.map((problem) => findingLine(problem, '', paint)),
    ...warnings.map((warning) => findingLine(warning, 'warning: ', paint)),
    ...online.flatMap((answer) => onlineLines(answer, paint)),
    verdict(report, paint),
    ...(report.summary === null ? [] : summaryLines(report.summary)),
  ];
  return `${lines.join('\n')}\n`;
}

function findingLine(problem: Problem, kind: string, paint: Paint): string {
  const text = plainText(formatProblem({ ...problem, message: `${kind}${problem.message}` }));
  return kind === '' ? paint.red(text) : paint.yellow(text);
}

function verdict({ file, problems, warnings, ok }: CheckReport, paint: Paint): string {
  const besides = warnings.length === 0 ? '' : `, ${count(warnings.length, 'warning')}`;
  const name = plainText(file);
  if (problems.length > 0)
    return paint.bold(`${name}: refused, ${count(problems.length, 'problem')}${besides}`);
  return paint.bold(
    ok ? `${name}: good${besides}` : `${name}: good, but not every issuer can be reached${besides}`,
  );
}

function summaryLines(summary: PolicySummary): string[] {
  const { issuers, api_keys: keySets, basic, upstreams, routes } = summary;
  const rows = [
    ['listen', summary.listen.join(', ')],
    ['admin', summary.admin ?? 'none'],
    ...issuers.map((issuer) => ['issuer', issuerLine(issuer)]),
    ...keySets.map(({ name, keys }) => ['API keys', `${name}: ${count(keys, 'key')}`]),
    ...basic.map(({ name, users }) => ['users', `${name}: ${count(users, 'user')}`]),
    ...upstreams.map(({ name, url }) => ['upstream', `${name}: ${url.join(', ')}`]),
    ['routes', routesLine(routes)],
  ];
  return rows.map(([name = '', text = '']) => `  ${name.padEnd(10)}${plainText(text)}`);
}

function issuerLine({ name, preset, issuer, tenants, keys }: PolicySummary['issuers'][number]): string {
  const parts = [
    ...(preset === null ? [] : [`preset ${preset}`]),
    ...(tenants === null ? [] : [tenants === 'any' ? 'any tenant' : count(tenants.length, 'tenant')]),
    keys,
  ];
  return `${name}: ${issuer.join(', ')} (${parts.join(', ')})`;
}

function routesLine(routes: readonly RouteSummary[]): string {
  const named = (auth: string) => routes.filter((route) => route.auth === auth).map(({ id }) => id);
  const parts = [
    { ids: named('none'), what: 'public' },
    { ids: named('optional'), what: 'also without a credential' },
  ];
  const open = parts.filter(({ ids }) => ids.length > 0).map(({ ids, what }) => `${what}: ${ids.join(', ')}`);
  return [String(routes.length), ...open].join('; ');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function summarize(policy: Policy): PolicySummary {
  return {
    listen: policy.listen.map(formatListenAddress),
    admin: policy.admin === null ? null : formatListenAddress(policy.admin.address),
    issuers: policy.issuers.map((issuer) => ({
      name: issuer.name,
      preset: issuer.preset,
      issuer: writtenIssuers(issuer),
      tenants: issuer.tenants === null ? null : (issuer.tenants.anyOf ?? 'any'),
      keys: keySource(issuer),
    })),
    api_keys: policy.apiKeySets.map(({ name, keys }) => ({ name, keys: keys.length })),
    basic: policy.userLists.map(({ name, users }) => ({ name, users: users.length })),
    upstreams: [...policy.upstreams.values()].map((upstream) => ({
      name: upstream.name,
      url: targetsOf(upstream),
    })),
    routes: policy.routes.map(({ id, host, path, methods, auth }) => ({ id, host, path, methods, auth })),
  };
}

function keySource({ keys }: IssuerPolicy): string {
  switch (keys.from) {
    case 'discovery':
      return keys.url === null ? 'keys by discovery' : `keys by discovery from ${keys.url}`;
    case 'url':
      return `keys from ${keys.url}`;
    case 'each':
      return `each key from ${keys.template}`;
    case 'static':
      return 'keys in the policy';
    case 'secret':
      return 'a shared secret';
  }
}

function targetsOf(upstream: UpstreamPolicy): readonly string[] {
  return upstream.targets.map(({ origin, socketPath }) =>
    socketPath === null ? origin : `unix:${socketPath}`,
  );
}
