/** What `check --online` found about issuers, as text for people. Key ids come from providers, so nothing is shown as it came. */
import type { IssuerAnswer } from './check-online.ts';
import { type Paint, plainText } from './output.ts';

/** A line for the issuer, then one for its usable keys and one for each member that is left out. */
export function onlineLines(answer: IssuerAnswer, paint: Paint): readonly string[] {
  const { name, ok, keys, usable, ignored, cause, kind } = answer;
  const left = ignored.map(
    ({ index, kid, reason }) =>
      `  not used: member ${index}${kid === null ? '' : ` ${plainText(JSON.stringify(kid))}`}: ${reason.replaceAll('_', ' ')}`,
  );
  if (!ok) {
    const what = kind === null ? '' : `${kind}, `;
    const text = `issuer ${name}: no keys: ${plainText(cause)} (${what}after ${answer.took_ms} ms)`;
    return [paint.red(text), ...left];
  }
  if (keys === 0 && answer.url === null) {
    return [`issuer ${name}: its keys are fetched one by one, when tokens name them; none was asked for`];
  }
  const named = usable.map(({ kid, algorithms }) => `${kid ?? 'no id'} (${algorithms.join(' ')})`);
  const from = answer.url === null ? '' : ` from ${plainText(answer.url)} in ${answer.took_ms} ms`;
  return [
    `issuer ${name}: ${keys} usable key${keys === 1 ? '' : 's'}${from}`,
    ...(named.length === 0 ? [] : [`  ${plainText(named.join(', '))}`]),
    ...left,
  ];
}
