/** Warns of what is written and changes nothing: how keys are fetched where none are, and lists that hold nobody. */
import type { KeySource } from '../sources.ts';
import type { WarnedPolicy } from '../warnings.ts';

/** Of `refresh`; `cache_file` is an error there. */
const FETCHING = ['interval', 'cooldown', 'timeout', 'max_stale', 'max_bytes', 'max_keys'] as const;

/** Whether the keys are in the policy itself, or in a file that it names: nothing is fetched then. */
export function isGiven({ from }: KeySource): boolean {
  return from === 'static' || from === 'secret';
}

/** Warns of `no_effect`, at each key: whoever wrote it believes that keys come from elsewhere, or are looked for again. */
export function warnOfNoEffect({ policy, context }: WarnedPolicy): void {
  const message = 'has no effect: the keys are in the policy and nothing is fetched; remove it';
  for (const { name, keys, insecureHttp } of policy.issuers) {
    if (!isGiven(keys)) continue;
    const refresh = FETCHING.map((key) => ['issuers', name, 'refresh', key]);
    const written = refresh.filter(context.isWritten);
    if (insecureHttp) written.push(['issuers', name, 'insecure_http']);
    for (const path of written) context.warnings.report(path, 'no_effect', message);
  }
}

/** Warns of `empty_list`: a source that knows nobody refuses whoever comes, as if each had a wrong password or key. */
export function warnOfEmptyLists({ policy, context }: WarnedPolicy): void {
  const lists = [
    ...policy.apiKeySets.map(({ name, keys }) => [['api_keys', name, 'keys'], keys, 'keys'] as const),
    ...policy.userLists.map(({ name, users }) => [['basic', name, 'users'], users, 'users'] as const),
  ];
  for (const [path, { length }, what] of lists) {
    if (length > 0 || !context.isWritten(path)) continue;
    // Detached, a file that is not there may hold any number.
    if (context.detached && context.isWritten([...path.slice(0, -1), `${what}_file`])) continue;
    const message = `is empty, so that everybody who comes with one is refused; add ${what}, or remove the whole list`;
    context.warnings.report(path, 'empty_list', message);
  }
}
