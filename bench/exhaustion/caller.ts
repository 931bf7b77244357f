/**
 * The process of the good caller: requests at a steady rate, whether or not those before were answered. Most show a
 * token that was shown before; a part show a new one, as callers do whose token was renewed.
 */
import { Pool } from 'undici';
import { createTokenMaker, type TokenMaker, type TokenMaterial } from './tokens.ts';
import { answerEach } from './worker.ts';

export type CallerQuestion =
  | { readonly prepare: Preparation }
  | { readonly begin: true }
  | { readonly end: true };

interface Preparation {
  readonly port: number;
  readonly material: TokenMaterial;
  readonly rate: number;
  /** Who the upstream must have heard that we are; null for a caller who goes past the gateway. */
  readonly subject: string | null;
}

/** One window. */
export interface Served {
  readonly sent: number;
  readonly good: number;
  /** Anything but the right answer, by what it was. */
  readonly failures: Readonly<Record<string, number>>;
  /** Milliseconds from sending to the last byte, in order. */
  readonly times: readonly number[];
}

const FROM = '127.0.0.3';
const CONNECTIONS = 16;
const TICK = 5;
/** Of so many requests one shows a new token. */
const NEW_EACH = 20;
const PATIENCE = 10_000;
const NOTHING: Served = { sent: 0, good: 0, failures: {}, times: [] };

let caller: Caller | null = null;

answerEach<CallerQuestion, Served>(async (question) => {
  if ('prepare' in question) {
    caller = new Caller(question.prepare);
    await caller.warmUp();
    return NOTHING;
  }
  if ('begin' in question) caller?.begin();
  else return (await caller?.end()) ?? NOTHING;
  return NOTHING;
});

class Caller {
  readonly #pool: Pool;
  readonly #tokens: TokenMaker;
  readonly #known: string;
  readonly #rate: number;
  readonly #answer: string;
  readonly #open = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | null = null;
  #sent = 0;
  #times: number[] = [];
  #failures: Record<string, number> = {};

  constructor({ port, material, rate, subject }: Preparation) {
    this.#pool = new Pool(`http://127.0.0.1:${port}`, {
      connections: CONNECTIONS,
      pipelining: 1,
      keepAliveTimeout: 60_000,
      localAddress: FROM,
    });
    this.#tokens = createTokenMaker(material, 'alice');
    this.#known = this.#tokens.good('ES256');
    this.#rate = rate;
    this.#answer = subject === null ? '' : `"for":"${subject}"`;
  }

  /** Opens every connection, and has the compiler see the way of a request often. */
  async warmUp(): Promise<void> {
    for (let round = 0; round < 100; round += 1) {
      await Promise.all(Array.from({ length: CONNECTIONS }, () => this.#ask(false)));
    }
  }

  begin(): void {
    this.#sent = 0;
    this.#times = [];
    this.#failures = {};
    const start = performance.now();
    this.#timer = setInterval(() => {
      const due = ((performance.now() - start) / 1000) * this.#rate;
      while (this.#sent < due) this.#send();
    }, TICK);
  }

  async end(): Promise<Served> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await Promise.all(this.#open);
    const times = this.#times.toSorted((one, other) => one - other);
    return { sent: this.#sent, good: times.length, failures: this.#failures, times };
  }

  #send(): void {
    this.#sent += 1;
    const sentAt = performance.now();
    const asked = this.#ask(this.#sent % NEW_EACH === 0).then((failure) => {
      this.#open.delete(asked);
      if (failure === null) this.#times.push(performance.now() - sentAt);
      else this.#failures[failure] = (this.#failures[failure] ?? 0) + 1;
    });
    this.#open.add(asked);
  }

  /** Null for the right answer, which names us. */
  async #ask(isNew: boolean): Promise<string | null> {
    try {
      const token = isNew ? this.#tokens.good('ES256') : this.#known;
      const { statusCode, body } = await this.#pool.request({
        method: 'GET',
        path: '/api/order',
        headers: { authorization: `Bearer ${token}` },
        headersTimeout: PATIENCE,
        bodyTimeout: PATIENCE,
      });
      const text = await body.text();
      if (statusCode !== 200) return String(statusCode);
      return text.includes(this.#answer) ? null : 'another answer';
    } catch (error) {
      return error instanceof Error ? error.message.slice(0, 60) : 'error';
    }
  }
}
