/** The request target: what is matched is what is forwarded, and what is forwarded is read alike by everybody. */
import fc from 'fast-check';
import { guardWire } from '../../../src/gate/guard-wire.ts';
import { canonicalizeAnyPath, canonicalizePath } from '../../../src/wire/canonical-path.ts';
import { parseRequestTarget } from '../../../src/wire/request-target.ts';
import { must, mustEqual, type Target } from '../target.ts';

const LIMITS = { targetBytes: 8192, headerBytes: 32768, headerCount: 100 };
const PIECES = [
  '.',
  '..',
  '%2e',
  '%2F',
  '%5C',
  ';',
  '%3b',
  '%25',
  '%c3%a9',
  '%ff',
  'a',
  'A',
  '~',
  '%7E',
  '{',
  ' ',
  '',
];
/** Paths as a tree would have them: bytes alone rarely make several segments of several pieces. */
const PATHS = fc
  .array(fc.array(fc.constantFrom(...PIECES), { maxLength: 4 }), { maxLength: 6 })
  .map((segments) => segments.map((pieces) => `/${pieces.join('')}`).join(''));
const METHODS = ['GET', 'OPTIONS', 'CONNECT', 'POST'];

/** Fed with targets, each under every method that reads them its own way. */
export const requestTarget: Target = {
  name: 'request-target',
  invariants: [
    'neither the parser nor the guard throws',
    'the fast way and the general way to the canonical path agree',
    'the canonical path is a fixed point, with the same segments, forms and readings, and one spelling of each triplet',
    'path and query, as forwarded, read as themselves, to us and to a WHATWG URL parser',
    'no segment of any reading is a dot segment, and none holds a control character',
  ],
  seeds: [
    '/',
    '/a/b?c=d',
    '/%61dmin/%7e',
    '/public/../admin',
    '/public/..;/admin',
    '/a//b',
    '/a/..%20/b',
    '/%c3%a9%3A',
    '/a%2Fb',
    '/a;x=1/b',
    '/\\..\\a',
    '/%c0%ae',
    '/a?b#c',
    '*',
    'http://api.test/a?b',
    'https://[::1]:443/x',
    'api.test:443',
    '/caf%C3%A9/{x}|"<>^`[]',
  ],
  dictionary: [
    '/',
    '//',
    '/./',
    '/../',
    '..',
    '..;',
    '..%20',
    '%2e',
    '%2E%2e',
    '%2f',
    '%5c',
    '\\',
    ';',
    '%3b',
    '%25',
    '%00',
    '%20',
    '%c3%a9',
    '%c0%af',
    '%ed%a0%80',
    '%f4%90%80%80',
    '?',
    '#',
    '%23',
    '%3f',
    'http://',
    'HTTPS://',
    '@',
    ':80',
    ':99999',
    '[::1]',
    'admin',
    ' ',
    '\xe9',
    '*',
  ],
  mutators: [
    (_, random) =>
      Buffer.from(fc.sample(PATHS, { numRuns: 1, seed: random.below(0x7fffffff) }).join(), 'latin1'),
  ],
  longest: 400,
  run: (input) => {
    const target = input.toString('latin1');
    return METHODS.map((method) => judge(method, target)).join(' ');
  },
};

function judge(method: string, target: string): string {
  const parsed = parseRequestTarget(method, target);
  const guarded = guardWire(
    { method, url: target, httpVersion: '1.1', rawHeaders: ['Host', 'api.test'] },
    LIMITS,
  );
  if (parsed.form === 'refused') {
    must(!guarded.ok, 'what the parser refuses the guard refuses');
    return parsed.reason;
  }
  if (parsed.form !== 'path') return parsed.form;
  const canonical = canonicalizePath(parsed.path);
  mustEqual(canonical, canonicalizeAnyPath(parsed.path), 'fast and general way agree');
  if (!canonical.ok) {
    must(!guarded.ok, 'what has no canonical path the guard refuses');
    return canonical.reason;
  }
  checkCanonical(canonical, parsed.query);
  if (guarded.ok) must(guarded.wire.path === canonical.path, 'the guard takes the canonical path');
  return ['path', ...canonical.forms, parsed.query === '' ? '' : 'query', guarded.ok].join('+');
}

function checkCanonical(
  canonical: Extract<ReturnType<typeof canonicalizePath>, { ok: true }>,
  query: string,
): void {
  const { path, segments, readings } = canonical;
  mustEqual(canonicalizePath(path), canonical, 'the canonical path is a fixed point');
  mustEqual(
    parseRequestTarget('GET', path + query),
    { form: 'path', path, query, authority: null, defaultPort: 0 },
    'what is forwarded reads as itself',
  );
  must(/^[\x21-\x7e]+$/.test(path + query), 'what is forwarded is visible ASCII');
  for (const [triplet] of path.matchAll(/%../g)) {
    must(/^%[0-9A-F]{2}$/.test(triplet), 'triplets are in upper case', triplet);
    must(!/[A-Za-z0-9._~-]/.test(decodeTriplet(triplet)), 'nothing unreserved is encoded', triplet);
  }
  const url = new URL(`http://api.test${path}${query}`);
  must(url.pathname === path, 'a URL parser takes the same path', `${url.pathname} for ${path}`);
  must(url.hash === '', 'nothing is a fragment');
  for (const reading of [segments, ...readings]) {
    for (const segment of reading) {
      must(!/^\.{1,2} *$/.test(segment), 'no dot segment', path);
      must(!/[\0-\x1f\x7f]/.test(segment), 'no control character', path);
    }
  }
}

function decodeTriplet(triplet: string): string {
  return String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
}
