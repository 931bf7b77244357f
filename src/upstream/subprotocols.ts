/**
 * The subprotocols of a WebSocket handshake: what the upstream is offered, and what it may choose. The token that
 * came as one is never among the choices, since a choice is repeated to the caller.
 */
import { fieldValue, listMembers } from '../wire/header-grammar.ts';
import { cutOffers, offeredToken } from '../wire/websocket-protocols.ts';
import { type EmbeddedCredentials, namesToCut } from './embedded-credentials.ts';
import type { ForwardPlan } from './forward-plan.ts';

const PROTOCOLS = 'sec-websocket-protocol';

/** What the upstream may answer, and what the caller is told when it answers nothing. */
export interface Subprotocols {
  readonly choices: readonly string[];
  /**
   * The marker that the caller's token came behind. Browsers fail a connection that they offered subprotocols
   * for and that accepts none.
   */
  readonly fallback: string | null;
}

/** The field's value for the upstream, all lines in one; '' for none. */
export function forwardedOffers(
  embedded: EmbeddedCredentials,
  plan: Pick<ForwardPlan, 'wire' | 'route' | 'place'>,
): string {
  const offers = fieldValue(plan.wire, PROTOCOLS);
  return cutOffers(offers, namesToCut(embedded, 'websocket_protocol', plan));
}

/** For a handshake that is on its way to the upstream. */
export function subprotocolsOf(
  embedded: EmbeddedCredentials,
  plan: Pick<ForwardPlan, 'wire' | 'route' | 'place'>,
): Subprotocols {
  const choices = listMembers(forwardedOffers(embedded, plan));
  if (plan.place?.in !== 'websocket_protocol') return { choices, fallback: null };
  const offers = fieldValue(plan.wire, PROTOCOLS);
  for (const source of plan.route.accept.tokenSources) {
    if (source.in !== 'websocket_protocol') continue;
    const found = offeredToken(offers, source.name);
    if (found.kind !== 'token') continue;
    return { choices: choices.filter((choice) => choice !== found.token), fallback: source.name };
  }
  return { choices, fallback: null };
}
