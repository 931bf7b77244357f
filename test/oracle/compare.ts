/** Compares what came of a request, at the caller and at the upstream, with what the oracle says. */
import { isDeepStrictEqual } from 'node:util';
import type { RawResponse } from '../fixtures/raw-client.ts';
import type { RecordedRequest } from '../fixtures/recording-upstream.ts';
import type { RequestModel, Verdict } from './meaning/model.ts';

/** Of all that can be wrong with a case. */
export const GRAVEST = 'forwarded what must be refused';

/** How a case came out otherwise. */
export type Wrong = { readonly what: string; readonly got: unknown };

/** What is wrong with what came of a request; null for nothing. @param arrived what the upstream got of it */
export function compare(
  verdict: Verdict,
  request: RequestModel,
  response: RawResponse | string,
  arrived: readonly RecordedRequest[],
): Wrong | null {
  const status = typeof response === 'string' ? response : response.status;
  const got = {
    status,
    arrived: arrived.map(({ requestLine, headerLines }) => ({ requestLine, headerLines })),
  };
  if (verdict.is === 'refused') {
    if (arrived.length > 0) return { what: GRAVEST, got };
    return typeof response === 'string'
      ? { what: 'no answer', got }
      : compareRefusal(verdict, request, response);
  }
  if (verdict.upstream === 'dead')
    return status === 502 && arrived.length === 0 ? null : { what: 'dead upstream', got };
  const [only, another] = arrived;
  if (only === undefined) {
    return {
      what: 'refused what must be forwarded',
      got: typeof response === 'string' ? got : refusalOf(request, response),
    };
  }
  if (another !== undefined || status !== 200)
    return { what: 'forwarded, and not once or not answered', got };
  const seen = seenOf(only);
  const wanted = {
    line: `${verdict.method} ${verdict.target} HTTP/1.1`,
    host: hostOf(verdict, only),
    headers: verdict.headers,
  };
  if (!isDeepStrictEqual(seen, wanted)) return { what: 'forwarded otherwise', got: difference(seen, wanted) };
  const body = request.body.startsWith('5\r\n') ? 'hello' : request.body.replace(/^0\r\n\r\n$/, '');
  return only.body.toString('latin1') === body
    ? null
    : { what: 'another body', got: only.body.toString('latin1') };
}

interface Seen {
  readonly line: string;
  readonly host: string | undefined;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** What an upstream was told, without what each connection and request has of its own. */
function seenOf({ requestLine, headerLines }: RecordedRequest): Seen {
  const apart = /^(connection|host|content-length|transfer-encoding|x-request-id|via|x-forwarded-prefix)$/;
  const headers = headerLines
    .map(([name, value]): [string, string] => [name.toLowerCase(), value])
    .filter(([name]) => !apart.test(name))
    .sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
  const host = headerLines.find(([name]) => name.toLowerCase() === 'host')?.[1];
  return { line: requestLine, host, headers };
}

/** HTTP/1.0 may name no host; HTTP/1.1, which the upstream is spoken to in, must, and whom it names is the upstream then. */
function hostOf(
  { host }: Extract<Verdict, { is: 'forwarded' }>,
  { all }: RecordedRequest,
): string | undefined {
  const [sent] = all('host');
  return host === '' && /^127\.0\.0\.1:[0-9]+$/.test(sent ?? '') ? sent : host;
}

function difference(seen: Seen, wanted: Pick<Seen, 'headers'>): object {
  const text = (field: readonly string[]) => field.join(': ');
  const [one, other] = [seen.headers.map(text), wanted.headers.map(text)];
  return {
    line: seen.line,
    host: seen.host,
    tooMuch: one.filter((field) => !other.includes(field)),
    missing: other.filter((field) => !one.includes(field)),
  };
}

function refusalOf(request: RequestModel, response: RawResponse) {
  const text = response.body.toString('utf8');
  const said: { code?: string } = text === '' || request.method === 'HEAD' ? {} : JSON.parse(text);
  return {
    status: response.status,
    code: request.method === 'HEAD' ? undefined : (said.code ?? null),
    schemes: response.all('www-authenticate').map((line) => line.split(' ')[0] ?? ''),
  };
}

function compareRefusal(
  verdict: Extract<Verdict, { is: 'refused' }>,
  request: RequestModel,
  response: RawResponse,
): Wrong | null {
  const got = refusalOf(request, response);
  const { schemes } = verdict;
  const status = verdict.or.includes(got.status) ? got.status : verdict.status;
  const wanted = { status, code: request.method === 'HEAD' ? undefined : verdict.code, schemes };
  if (!isDeepStrictEqual(got, wanted)) return { what: 'refused otherwise', got };
  const common =
    response.get('cache-control') === 'no-store' && response.get('content-type') === 'application/json';
  return common ? null : { what: 'an answer of another form', got: response.head };
}
