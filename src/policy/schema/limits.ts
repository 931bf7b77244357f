/** How much, how long, and what is logged. */
import {
  boolean,
  choice,
  duration,
  type Infer,
  integer,
  key,
  object,
  orNone,
  size,
  text,
} from './builder.ts';
import { failedCredentialsKey } from './failed-credentials.ts';

const SECOND = 1000;

const limits = object({
  target_bytes: key(size({ min: 256, max: 64 * 1024 }), {
    doc: 'Longest request target; longer ones are answered 414.',
    default: '8KiB',
  }),
  header_bytes: key(size({ min: 1024, max: 1024 * 1024 }), {
    doc: 'All header fields of a request together; more is answered 431.',
    default: '32KiB',
  }),
  header_count: key(integer({ min: 1, max: 2000 }), {
    doc: 'Header fields of a request; more are answered 431.',
    default: 100,
  }),
  token_bytes: key(size({ min: 256, max: 1024 * 1024 }), {
    doc: 'Longest credential that is looked at; a longer one is 401.',
    default: '16KiB',
  }),
  body_bytes: key(size({ none: true }), {
    doc: 'Longest request body; more is answered 413. A route may say otherwise.',
    default: 'none',
  }),
  connections: key(integer({ min: 1, none: true }), {
    doc: 'Open connections, those of event streams and WebSockets among them; further ones are closed at once. With too few file descriptors (`ulimit -n`) for these and for requests in flight, fewer are taken and the log warns, so that probes on `admin` are answered.',
    default: 10000,
  }),
  in_flight: key(integer({ min: 1, none: true }), {
    doc: 'Requests being forwarded at the same time.',
    default: 2048,
  }),
  queue: key(integer({ min: 0, none: true }), {
    doc: 'Requests that may wait for a place in flight; further ones are answered 503 with `Retry-After`.',
    default: 1024,
  }),
  failed_credentials: failedCredentialsKey,
});

const timeouts = object({
  headers: key(duration({ min: 100, max: 3600 * SECOND }), {
    doc: 'Until the header of a request has arrived; then 408.',
    default: '10s',
  }),
  request: key(duration({ min: 100, none: true }), {
    doc: 'Until a request has arrived whole; then 408.',
    default: 'none',
  }),
  idle: key(duration({ min: SECOND, max: 3600 * SECOND }), {
    doc: 'How long a connection of a client stays open without a request. Must exceed that of the load balancer before us.',
    default: '75s',
  }),
  queue: key(duration({ max: 600 * SECOND }), {
    doc: 'How long a request may wait in the queue of `limits.queue`; then 503.',
    default: '5s',
  }),
  drain_delay: key(duration({ max: 600 * SECOND }), {
    doc: 'After SIGTERM, how long new requests are still taken while `/readyz` is 503 already. In Kubernetes (`KUBERNETES_SERVICE_HOST` is set) the default is `5s`.',
    default: '0s',
  }),
  drain: key(duration({ none: true }), {
    doc: 'How long what is in flight may take to finish before the process ends. Docker kills 10 s after SIGTERM and Kubernetes 30 s after it: with `drain_delay` it must be less than `docker stop --time`, `stop_grace_period` or `terminationGracePeriodSeconds`. In Kubernetes the default is `20s`.',
    default: '8s',
  }),
});

const log = object({
  level: key(choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']), {
    doc: 'The least severe lines that are written. `trace` adds a line for each request with the route, where a credential was looked for and found, and every check that was passed.',
    default: 'info',
  }),
  format: key(choice(['json', 'pretty']), {
    doc: 'JSON lines for machines, or lines for a person at a terminal.',
    default: 'json',
  }),
  allowed: key(orNone(text({ pattern: /^(all|1\/[1-9]\d{0,8})$/, expected: '`all`, `none` or `1/N`' })), {
    doc: 'Which allowed requests are logged: `all`, `none`, or one in N as `1/N`. Refusals are always logged.',
    default: 'all',
    example: '1/100',
  }),
  response_id: key(boolean(), {
    doc: 'Whether a forwarded answer, 101 included, tells the client its `request_id` as `X-Request-Id`; one that the upstream sends stays. Our own answers always do.',
    default: true,
  }),
  subject: key(choice(['plain', 'hashed', 'none']), {
    doc: 'How lines of requests name an authenticated caller (`auth.subject`: the subject of the token or key, or the user name). `hashed` is the first 16 hex digits of its SHA-256: lines of one caller can be found, and a list of subjects tells who it is. `none` leaves it out. Of a refused credential it is never logged.',
    default: 'plain',
  }),
});

/** Keys of the top level. */
export const limitKeys = {
  limits: key(limits, {
    doc: 'Upper bounds. Over `in_flight` and `queue`: 503 with `Retry-After`.',
    default: {},
  }),
  timeouts: key(timeouts, { doc: 'How long we wait for clients, and how we stop.', default: {} }),
  log: key(log, { doc: 'The log on standard output.', default: {} }),
};

export type LimitsConfiguration = Infer<typeof limits>;
export type TimeoutsConfiguration = Infer<typeof timeouts>;
export type LogConfiguration = Infer<typeof log>;
