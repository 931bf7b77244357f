import t from 'tap';
import { FetchError, failureOf } from '../../src/keys/fetch-cause.ts';

const URL = 'https://login.example.com/keys';

t.test('codes become a kind and a sentence that says what to do', async (t) => {
  const rows: readonly (readonly [code: string, kind: string, cause: RegExp])[] = [
    ['ENOTFOUND', 'dns', /^has a name that cannot be resolved.* \(ENOTFOUND\)$/],
    ['EAI_AGAIN', 'dns', /resolver does not answer/],
    ['EAI_FAIL', 'dns', /could not be resolved/],
    ['ECONNREFUSED', 'connect', /nothing listens there/],
    ['ECONNRESET', 'connect', /ended the connection/],
    ['EPIPE', 'connect', /ended the connection/],
    ['UND_ERR_SOCKET', 'connect', /ended the connection/],
    ['EHOSTUNREACH', 'connect', /no route/],
    ['ENETUNREACH', 'connect', /no route/],
    ['UND_ERR_CONNECT_TIMEOUT', 'timeout', /in time/],
    ['ETIMEDOUT', 'timeout', /in time/],
    ['UND_ERR_HEADERS_TIMEOUT', 'timeout', /did not answer in time/],
    ['UND_ERR_BODY_TIMEOUT', 'timeout', /did not answer in time/],
    ['CERT_HAS_EXPIRED', 'tls', /has expired/],
    ['CERT_NOT_YET_VALID', 'tls', /compare the clocks/],
    ['CERT_REVOKED', 'tls', /revoked/],
    ['CERT_SIGNATURE_FAILURE', 'tls', /certificate/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls', /self-signed.*ca_file/],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'tls', /authority that is not known here.*ca_file/],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'tls', /authority that is not known here.*ca_file/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls', /those in between.*ca_file/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls', /for another name/],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls', /is it plain http\?/],
    ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'tls', /TLS 1\.2 or 1\.3/],
    ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'tls', /over TLS/],
    ['EPROTO', 'tls', /over TLS/],
    ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'body', /short/],
    ['UND_ERR_HEADERS_OVERFLOW', 'body', /too large/],
    ['HPE_INVALID_CONSTANT', 'body', /not HTTP/],
    ['UND_ERR_DESTROYED', 'other', /given up/],
    ['ESOMETHING', 'other', /^failed \(ESOMETHING\)$/],
  ];
  for (const [code, kind, cause] of rows) {
    const error = Object.assign(new Error('secret http://user:secret@proxy'), { code });
    const failure = failureOf(error, URL);
    t.match(failure, { kind, status: null, url: URL, cause }, code);
    t.notMatch(failure.cause, /secret/, 'the message of a library is not repeated');
  }
});

t.test('errors without a code of their own', async (t) => {
  const refused = Object.assign(new Error('x'), { code: 'ECONNREFUSED' });
  t.match(
    failureOf(new AggregateError([refused, refused]), URL),
    { kind: 'connect' },
    'two addresses of one name',
  );
  t.match(failureOf(new TypeError('fetch failed', { cause: refused }), URL), { kind: 'connect' });
  t.match(failureOf(new DOMException('x', 'TimeoutError'), URL), { kind: 'timeout', cause: /in time/ });
  t.match(failureOf(new TypeError('secret'), URL), { kind: 'other', cause: 'failed (TypeError)' });
  t.match(failureOf(Object.assign(new Error('x'), { code: 'a b\nc' }), URL), { cause: 'failed (Error)' });
  t.match(failureOf('secret', URL), { kind: 'other', cause: 'failed' });
  t.same(failureOf(new FetchError('status', 'answered with status 500', 500), URL), {
    kind: 'status',
    status: 500,
    url: URL,
    cause: 'answered with status 500',
  });
});
