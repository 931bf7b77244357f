/** `limits`, `timeouts` and `log`: what the schema has bounded already, under the policy's names. */
import type { FailedCredentialsPolicy, Limits, LogPolicy, Timeouts } from '../policy.ts';
import type { Configuration } from '../schema/configuration.ts';
import type { FailedCredentialsConfiguration } from '../schema/failed-credentials.ts';
import type { CompileContext } from './context.ts';

/** What load balancers wait for by default (AWS ALB, nginx: 60 s); ours must be longer. */
const commonBalancerIdle = 60_000;

/** `limits`: bytes and counts; Infinity for `none`. */
export function compileLimits({ limits }: Configuration): Limits {
  return {
    targetBytes: limits.target_bytes,
    headerBytes: limits.header_bytes,
    headerCount: limits.header_count,
    tokenBytes: limits.token_bytes,
    bodyBytes: limits.body_bytes,
    connections: limits.connections,
    inFlight: limits.in_flight,
    queue: limits.queue,
    failedCredentials: compileFailedCredentials(limits.failed_credentials),
  };
}

/** While nobody asked for it, it must not shut out whoever reaches us by way of loopback: a proxy, mostly. */
const UNASKED: FailedCredentialsPolicy = {
  perPeer: { count: 100, period: 60_000 },
  loopback: false,
  aggregates: false,
};

function compileFailedCredentials(written: FailedCredentialsConfiguration): FailedCredentialsPolicy | null {
  if (written === undefined) return UNASKED;
  if (written === null) return null;
  return { perPeer: written.per_peer, loopback: true, aggregates: written.aggregates };
}

/** Checks `limits` among themselves. */
export function checkLimits({ limits }: Configuration, context: CompileContext): void {
  if (limits.token_bytes > limits.header_bytes) {
    const message = 'is more than header_bytes, so that such a token can never arrive; raise header_bytes';
    context.problems.report(['limits', 'token_bytes'], 'limits_contradict', message);
  }
}

/** `timeouts`, in milliseconds; warns of an `idle` that load balancers outlast. */
export function compileTimeouts({ timeouts }: Configuration, context: CompileContext): Timeouts {
  if (timeouts.idle <= commonBalancerIdle) {
    const message =
      'is not longer than the 60s that load balancers keep an idle connection by default: they would send requests into closing connections (502); write more than theirs';
    context.warnings.report(['timeouts', 'idle'], 'idle_below_load_balancer', message);
  }
  return {
    headers: timeouts.headers,
    request: timeouts.request,
    idle: timeouts.idle,
    queue: timeouts.queue,
    drainDelay: timeouts.drain_delay,
    drain: timeouts.drain,
  };
}

/** `log`; `allowed: 1/N` becomes N. */
export function compileLog({ log }: Configuration): LogPolicy {
  const { level, format, allowed, response_id: responseId, subject } = log;
  return { level, format, allowedEvery: sampling(allowed), responseId, subject };
}

function sampling(allowed: string | null): number {
  if (allowed === null) return 0;
  return allowed === 'all' ? 1 : Number(allowed.slice('1/'.length));
}
