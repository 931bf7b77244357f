/** Values that are a rate, such as `100/1m`. Nothing is coerced: a number without its time could mean anything. */
import { formatRate, parseRate, RATE_BOUNDS, type Rate } from '../rate.ts';
import type { Node } from '../schema/node.ts';
import { type CheckContext, describeShape, describeValue, type Path, wrongType } from './check-context.ts';
import type { LocatedScalar } from './document.ts';

/** A rate within bounds. */
export function checkRate(
  node: Node,
  at: LocatedScalar,
  path: Path,
  context: CheckContext,
): Rate | undefined {
  const report = (code: string, message: string): undefined => {
    context.problems.reportAt(at.at, { path, code, message });
  };
  const { value } = at;
  if (typeof value === 'number' && !at.sensitive) {
    return report(
      'wrong_type',
      `must be ${describeShape(node)}; a number needs its time: ${value}/1m or ${value}/10s`,
    );
  }
  if (typeof value !== 'string' || value === '') return wrongType(node, at, path, context);
  const rate = parseRate(value);
  if (rate === null) {
    const message = `must be ${describeShape(node)}, not ${describeValue(at)}; write how many, a slash, and in which time`;
    return report('invalid_value', message);
  }
  const { count, period } = RATE_BOUNDS;
  const isWithin = (amount: number, [least, most]: readonly [number, number]): boolean =>
    amount >= least && amount <= most;
  if (isWithin(rate.count, count) && isWithin(rate.period, period)) return rate;
  const [least, most] = [0, 1].map((end) => formatRate({ count: count[end] ?? 0, period: period[end] ?? 0 }));
  return report(
    'out_of_bounds',
    `must lie between ${least} and ${most} in both parts; \`none\` on the key above switches the budget off`,
  );
}
