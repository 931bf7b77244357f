/**
 * Judges open event streams and WebSockets again when what let them in may hold no longer: all of them after a reload,
 * and after keys were withdrawn those whose credential was verified with one of these. One after another, never two
 * passes at once. What cannot be told just now ends no stream, so an outage of a provider ends none either.
 */
import type { ForwardPlan } from './upstream/forward-plan.ts';
import type { OpenStream, OpenStreams } from './upstream/open-streams.ts';

/** Withdrawn key ids that are remembered for each issuer; after more of them any stream of it is in doubt. */
const MOST_REMEMBERED = 100;

type KeyIds = ReadonlySet<string | null>;

export interface StreamJudgeOptions {
  /** Whether a stream would be let in now; it may reject, which ends the stream. */
  readonly allowed: (plan: ForwardPlan) => Promise<boolean>;
  /** Whether a stream was let in by the policy in force. */
  readonly isCurrent: (plan: ForwardPlan) => boolean;
}

/** The one judge of a server. */
export class StreamJudge {
  readonly #allowed: StreamJudgeOptions['allowed'];
  readonly #isCurrent: StreamJudgeOptions['isCurrent'];
  /** By issuer, for streams whose request was judged before a withdrawal and that open after it. */
  readonly #withdrawn = new Map<string, Set<string | null>>();
  #last: Promise<void> = Promise.resolve();

  constructor({ allowed, isCurrent }: StreamJudgeOptions) {
    this.#allowed = allowed;
    this.#isCurrent = isCurrent;
  }

  /** Judges all streams that are open. */
  judgeAll(streams: OpenStreams): void {
    this.#queue(() => streams.endUnless(this.#allowed));
  }

  /** Judges those streams again that rest on the withdrawn keys of an issuer; others are not touched. */
  keysWithdrawn(streams: OpenStreams, issuer: string, kids: KeyIds): void {
    this.#remember(issuer, kids);
    const rests = ({ vouchedBy }: ForwardPlan): boolean => restsOn(vouchedBy, issuer, kids);
    this.#queue(() => streams.endUnless((plan) => !rests(plan) || this.#allowed(plan)));
  }

  /** A stream opened: while its upstream was being asked, its key may have been withdrawn or the policy replaced. */
  opened(streams: OpenStreams, stream: OpenStream): void {
    const { plan } = stream;
    if (this.#isCurrent(plan) && !this.#isDoubtful(plan.vouchedBy)) return;
    this.#queue(() => streams.judge(stream, this.#allowed));
  }

  #isDoubtful(vouchedBy: ForwardPlan['vouchedBy']): boolean {
    const withdrawn = vouchedBy === null ? undefined : this.#withdrawn.get(vouchedBy.source);
    if (vouchedBy === null || withdrawn === undefined) return false;
    return withdrawn.size >= MOST_REMEMBERED || withdrawn.has(vouchedBy.kid);
  }

  #remember(issuer: string, kids: KeyIds): void {
    const known = this.#withdrawn.get(issuer) ?? new Set();
    this.#withdrawn.set(issuer, known);
    for (const kid of kids) if (known.size < MOST_REMEMBERED) known.add(kid);
  }

  #queue(pass: () => Promise<void>): void {
    this.#last = this.#last.then(pass).catch(() => {});
  }
}

function restsOn(vouchedBy: ForwardPlan['vouchedBy'], issuer: string, kids: KeyIds): boolean {
  return vouchedBy !== null && vouchedBy.source === issuer && kids.has(vouchedBy.kid);
}
