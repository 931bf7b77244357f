/** Failures in words: closed ones, without anything that the error's own message holds. */
import t from 'tap';
import { errors } from 'undici';
import { isConnectionLoss, refusalFor } from '../../src/upstream/errors.ts';

const coded = (code: string): Error => Object.assign(new Error('connect to 10.0.0.5:8080 failed'), { code });

t.test('every failure has a kind and a word', async (t) => {
  const table = [
    [coded('ECONNREFUSED'), 'bad_gateway', 'connect_refused', 'ECONNREFUSED'],
    [coded('ENOTFOUND'), 'bad_gateway', 'dns_failed', 'ENOTFOUND'],
    [coded('EAI_AGAIN'), 'bad_gateway', 'dns_failed', 'EAI_AGAIN'],
    [coded('EHOSTUNREACH'), 'bad_gateway', 'unreachable', 'EHOSTUNREACH'],
    [coded('ECONNRESET'), 'bad_gateway', 'reset', 'ECONNRESET'],
    [coded('EPIPE'), 'bad_gateway', 'reset', 'EPIPE'],
    [new errors.SocketError('other side closed'), 'bad_gateway', 'reset', 'UND_ERR_SOCKET'],
    [new errors.SocketError('bad response'), 'bad_gateway', 'bad_response', 'UND_ERR_SOCKET'],
    [new errors.SocketError('bad upgrade'), 'bad_gateway', 'bad_response', 'UND_ERR_SOCKET'],
    [coded('DEPTH_ZERO_SELF_SIGNED_CERT'), 'bad_gateway', 'tls_failed', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    [coded('ERR_TLS_CERT_ALTNAME_INVALID'), 'bad_gateway', 'tls_failed', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    [coded('CERT_HAS_EXPIRED'), 'bad_gateway', 'tls_failed', 'CERT_HAS_EXPIRED'],
    [
      coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
      'bad_gateway',
      'tls_failed',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
    [coded('ERR_SSL_WRONG_VERSION_NUMBER'), 'bad_gateway', 'tls_failed', 'ERR_SSL_WRONG_VERSION_NUMBER'],
    [new errors.HeadersOverflowError(), 'bad_gateway', 'bad_response', 'UND_ERR_HEADERS_OVERFLOW'],
    [
      Object.assign(new Error('x'), { name: 'HTTPParserError', code: 'HPE_undefined' }),
      'bad_gateway',
      'bad_response',
      'HPE_INVALID',
    ],
    [coded('ESOMETHINGNEW'), 'bad_gateway', 'upstream_failed', 'ESOMETHINGNEW'],
    [new errors.ConnectTimeoutError(), 'gateway_timeout', 'connect_timeout', 'UND_ERR_CONNECT_TIMEOUT'],
    [coded('ETIMEDOUT'), 'gateway_timeout', 'connect_timeout', 'ETIMEDOUT'],
    [new errors.HeadersTimeoutError(), 'gateway_timeout', 'response_timeout', 'UND_ERR_HEADERS_TIMEOUT'],
    [
      new errors.InvalidArgumentError('invalid x-user header'),
      'unavailable',
      'forwarding_failed',
      'UND_ERR_INVALID_ARG',
    ],
    [coded('EMFILE'), 'unavailable', 'forwarding_failed', 'EMFILE'],
    [new TypeError('secret'), 'bad_gateway', 'upstream_failed', 'unknown'],
    [coded('not a code: 10.0.0.5'), 'bad_gateway', 'upstream_failed', 'unknown'],
    [
      coded('ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE'),
      'bad_gateway',
      'tls_failed',
      'ERR_SSL_SSL_TLS_ALERT_HANDSHAKE_FAILURE',
    ],
    [coded('INVALID_CA'), 'bad_gateway', 'tls_failed', 'INVALID_CA'],
    [coded('UNSPECIFIED'), 'bad_gateway', 'tls_failed', 'UNSPECIFIED'],
    [coded('ERROR_IN_CERT_NOT_AFTER_FIELD'), 'bad_gateway', 'tls_failed', 'ERROR_IN_CERT_NOT_AFTER_FIELD'],
  ] as const;
  for (const [error, kind, reason, cause] of table) {
    const refusal = refusalFor(error);
    t.match(refusal, { kind, reason, detail: { cause } }, `${error.name} ${cause}`);
    t.notMatch(JSON.stringify(refusal), /10\.0|secret|x-user/);
  }
});

t.test('only a lost connection is a lost connection', async (t) => {
  t.ok(isConnectionLoss(coded('ECONNRESET')));
  t.ok(isConnectionLoss(new errors.SocketError('other side closed')));
  for (const error of [
    new errors.SocketError('bad response'),
    coded('ECONNREFUSED'),
    new errors.HeadersTimeoutError(),
  ]) {
    t.notOk(isConnectionLoss(error));
  }
});
