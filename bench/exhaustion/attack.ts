/** What an attack is: how it is described, what it may cost, and what it gets to run in a process of its own. */
import type { TokenMaker, TokenMaterial } from './tokens.ts';

/** All that an attacking process is told. Goes over the channel between processes: data only. */
export interface Assignment {
  readonly name: string;
  readonly port: number;
  readonly material: TokenMaterial;
  /** Requests (or connections) per second of the attacks that are a flood. */
  readonly rate: number;
  /** How many descriptors the attacker may have. */
  readonly descriptors: number;
  /** How long it will go on at least, in seconds. */
  readonly seconds: number;
}

/** The gateway as the attacker sees it. */
export interface Target extends Assignment {
  /** The loopback address that attacks come from; the good caller has another one. */
  readonly from: string;
  readonly tokens: TokenMaker;
  readonly tally: Tally;
}

/** What became of an attack so far. */
export interface Tally {
  /** One more connection, request or whatever the attack's `unit` is. */
  count(amount?: number): void;
  /** One more answer, by status, or another end. */
  answered(what: string): void;
}

/** An attack under way. */
export interface Assault {
  stop(): void;
}

/** One kind of attack. */
export interface Attack {
  readonly name: string;
  /** In the table. */
  readonly what: string;
  readonly unit: 'requests' | 'connections' | 'frames' | 'KiB';
  /** `limits.failed_credentials` of the policy; `none` where nothing is said, which is the harder way. */
  readonly failedCredentials?: string;
  /** Nobody reads the gateway's standard output while it lasts. */
  readonly blocksLog?: true;
  /** MiB by which the resident size of the gateway may grow over what it was before. */
  readonly mostMebibytes: number;
  /** Descriptors that it may hold more than before. */
  readonly mostDescriptors: number;
  /** Answers that at least one request must have got, lest the attack be none. */
  readonly expects: readonly string[];
  /** Begins; resolves when the attack is under way in full. */
  begin(target: Target): Promise<Assault>;
}
