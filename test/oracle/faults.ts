/** What may be wrong with a token, or only look so: each a change to a good one before it is signed, or after. */
import { createHmac } from 'node:crypto';
import { NOW, SIGNERS, type Signer } from './keys.ts';

/** What a recipe is cooked from; faults change it. */
export interface Draft {
  header: Record<string, unknown>;
  claims: Record<string, unknown>;
  key: Signer | null;
  /** Texts of header and payload, where these are not what JSON makes of the above. */
  headerText?: string;
  payloadText?: string;
  /** What is done to the finished token. */
  finish?: (token: string) => string;
}

type Fault = (draft: Draft) => void;

const header =
  (members: Record<string, unknown>): Fault =>
  (draft) => {
    Object.assign(draft.header, members);
  };
const claim =
  (members: Record<string, unknown>): Fault =>
  (draft) => {
    Object.assign(draft.claims, members);
  };
const finish =
  (change: (token: string) => string): Fault =>
  (draft) => {
    draft.finish = change;
  };
const ofParts = (change: (parts: string[]) => string[]): Fault =>
  finish((token) => change(token.split('.')).join('.'));
const retyped =
  (name: string, value: string): Fault =>
  (draft) => {
    draft.payloadText = JSON.stringify(draft.claims).replace(/\}$/, `,"${name}":${value}}`);
  };
const withHeader =
  (text: string): Fault =>
  (draft) => {
    draft.headerText = JSON.stringify(draft.header).replace(/\}$/, `,${text}}`);
  };

function flipped(part: number, at: number): Fault {
  return ofParts((parts) => {
    const octets = Buffer.from(parts[part] ?? '', 'base64url');
    octets[at % octets.length] = (octets[at % octets.length] ?? 0) ^ 1;
    return parts.map((each, i) => (i === part ? octets.toString('base64url') : each));
  });
}

/** Signs with what everybody can read: the key confusion of RFC 8725 section 2.1. */
const confused: Fault = (draft) => {
  draft.header.alg = 'HS256';
  const text = String(draft.key?.key.export({ type: 'spki', format: 'pem' }) ?? '');
  draft.key = null;
  draft.finish = (token) => {
    const input = token.split('.').slice(0, 2).join('.');
    return `${input}.${createHmac('sha256', text).update(input).digest('base64url')}`;
  };
};

/** Everything that may be wrong, or only look so, by name. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  exp_past: claim({ exp: NOW - 3600, iat: NOW - 7200 }),
  exp_leeway: claim({ exp: NOW - 29, iat: NOW - 300 }),
  exp_just_over: claim({ exp: NOW - 30, iat: NOW - 300 }),
  exp_absent: claim({ exp: undefined }),
  exp_text: claim({ exp: String(NOW + 300) }),
  exp_null: claim({ exp: null }),
  exp_fraction: claim({ exp: NOW + 60.5 }),
  exp_milliseconds: claim({ exp: (NOW + 300) * 1000 }),
  exp_huge: retyped('exp', '1e400'),
  exp_zero: claim({ exp: 0 }),
  nbf_future: claim({ nbf: NOW + 31 }),
  nbf_leeway: claim({ nbf: NOW + 30 }),
  nbf_text: claim({ nbf: '0' }),
  iat_future: claim({ iat: NOW + 90 }),
  iat_absent: claim({ iat: undefined }),
  iat_text: claim({ iat: String(NOW) }),
  iat_old: claim({ iat: NOW - 86_400 }),
  iat_after_exp: claim({ iat: NOW + 20, exp: NOW + 10 }),
  iss_absent: claim({ iss: undefined }),
  iss_slash: (draft) => claim({ iss: `${draft.claims.iss}/` })(draft),
  iss_case: (draft) => claim({ iss: String(draft.claims.iss).toUpperCase() })(draft),
  iss_list: (draft) => claim({ iss: [draft.claims.iss] })(draft),
  iss_corp: claim({ iss: 'https://corp.test/realm' }),
  iss_part: claim({ iss: 'https://part.test' }),
  iss_shop: claim({ iss: 'https://shop.test' }),
  iss_down: claim({ iss: 'https://down.test' }),
  aud_absent: claim({ aud: undefined }),
  aud_other: claim({ aud: 'other' }),
  aud_prefix: claim({ aud: 'api2' }),
  aud_case: claim({ aud: 'API' }),
  aud_list: claim({ aud: ['other', 'api'] }),
  aud_nested: claim({ aud: [['api']] }),
  aud_mixed: claim({ aud: ['api', null] }),
  aud_orders: claim({ aud: 'orders' }),
  aud_both: claim({ aud: ['api', 'orders'] }),
  aud_empty: claim({ aud: [] }),
  sub_absent: claim({ sub: undefined }),
  sub_number: claim({ sub: 7 }),
  sub_empty: claim({ sub: '' }),
  bound: claim({ cnf: { jkt: 'x' } }),
  id_nonce: claim({ nonce: 'n' }),
  id_hash: claim({ at_hash: 'h' }),
  id_use: claim({ token_use: 'id' }),
  id_typ: claim({ typ: 'ID' }),
  access_use: claim({ token_use: 'access' }),
  client_absent: claim({ client_id: undefined }),
  client_azp: claim({ client_id: undefined, azp: 'azp one' }),
  jti_absent: claim({ jti: undefined }),
  jti_number: claim({ jti: 7 }),
  twice_sub: retyped('sub', '"root"'),
  twice_escaped: retyped('s\\u0075b', '"root"'),
  twice_nested: retyped('deep', '{"a":1,"a":2}'),
  proto: retyped('__proto__', '{"tenant":"acme","roles":["admin"]}'),
  not_utf8: (draft) => {
    draft.payloadText = JSON.stringify(draft.claims).replace(/\}$/, ',"x":"\u00ff"}');
  },
  list: (draft) => {
    draft.payloadText = JSON.stringify([draft.claims]);
  },
  bom: (draft) => {
    draft.payloadText = `\u00ef\u00bb\u00bf${JSON.stringify(draft.claims)}`;
  },
  trailing: (draft) => {
    draft.payloadText = `${JSON.stringify(draft.claims)}x`;
  },
  alg_none: header({ alg: 'none' }),
  alg_None: header({ alg: 'None' }),
  alg_absent: header({ alg: undefined }),
  alg_lower: (draft) => header({ alg: String(draft.header.alg).toLowerCase() })(draft),
  alg_list: (draft) => header({ alg: [draft.header.alg] })(draft),
  alg_512: header({ alg: 'RS512' }),
  alg_PS: header({ alg: 'PS256' }),
  alg_ES: header({ alg: 'ES256' }),
  alg_HS: header({ alg: 'HS256' }),
  alg_twice: withHeader('"alg":"RS256"'),
  kid_twice: withHeader('"kid":"corp-rsa"'),
  kid_absent: header({ kid: undefined }),
  kid_unknown: header({ kid: 'nobody' }),
  kid_number: header({ kid: 1 }),
  kid_empty: header({ kid: '' }),
  kid_path: header({ kid: '../../corp-rsa' }),
  kid_shared: header({ kid: 'shared' }),
  kid_long: header({ kid: 'k'.repeat(3000) }),
  typ_absent: header({ typ: undefined }),
  typ_jwt: header({ typ: 'JWT' }),
  typ_full: header({ typ: 'application/AT+JWT' }),
  typ_dpop: header({ typ: 'dpop+jwt' }),
  typ_logout: header({ typ: 'logout+jwt' }),
  typ_number: header({ typ: 1 }),
  crit: header({ crit: ['x'], x: 1 }),
  crit_empty: header({ crit: [] }),
  b64: header({ b64: false }),
  zip: header({ zip: 'DEF' }),
  cty: header({ cty: 'JWT' }),
  jwk: header({ jwk: SIGNERS.stranger_rsa.jwk }),
  jku: header({ jku: 'http://127.0.0.1:1/keys' }),
  unknown_member: header({ x_y: 1 }),
  signed_by_stranger: (draft) => {
    draft.key = SIGNERS.stranger_rsa;
  },
  signed_by_part: (draft) => {
    draft.key = SIGNERS.part_ec;
  },
  confused,
  flip_head: flipped(0, 3),
  flip_payload: flipped(1, 20),
  flip_signature: flipped(2, 0),
  flip_last: flipped(2, 63),
  unsigned: ofParts(([head = '', payload = '']) => [head, payload, '']),
  two_parts: ofParts((parts) => parts.slice(0, 2)),
  four_parts: ofParts((parts) => [...parts, 'x']),
  five_parts: ofParts((parts) => [...parts, 'x', 'y']),
  padded: finish((token) => `${token}==`),
  padded_part: ofParts(([head = '', ...rest]) => [`${head}=`, ...rest]),
  other_alphabet: finish((token) => token.replaceAll('-', '+').replaceAll('_', '/')),
  trailing_bits: finish((token) => token.slice(0, -1) + nextCharacter(token.at(-1) ?? 'A')),
  truncated: finish((token) => token.slice(0, -4)),
  longer: finish((token) => `${token}AAAA`),
  space_inside: finish((token) => token.replace('.', '. ')),
  too_long: claim({ filler: 'x'.repeat(17_000) }),
  zeros: ofParts(([head = '', payload = '']) => [head, payload, Buffer.alloc(64).toString('base64url')]),
};

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function nextCharacter(character: string): string {
  return ALPHABET[(ALPHABET.indexOf(character) + 1) % 64] ?? 'A';
}
