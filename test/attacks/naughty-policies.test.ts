/**
 * Texts that programs stumble over, wherever an operator's text enters: names, patterns, values to compare with. Each
 * is either taken exactly as it is written, or refused with its line and a message that a terminal can show; never
 * taken for another one.
 */
import t from 'tap';
import { hasPlaceholder } from '../../src/policy/path-notations.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { Problem } from '../../src/policy/problem.ts';
import { ALL_NAUGHTY, asYaml, asYamlKey } from '../fixtures/naughty-strings.ts';
import { loadText } from '../fixtures/server.ts';
import { createSigningKey, keySet } from '../fixtures/token-signer.ts';

/** A place of the policy, one line of it for each text. */
interface Place {
  readonly name: string;
  /** Lines before those of the texts; after them stand the routes, unless the texts are routes. */
  readonly head: string;
  readonly entry: (text: string, index: number) => string;
  /** What the policy made of them, in order. */
  readonly read: (policy: Policy) => readonly unknown[];
  /** What is read where it is not the text itself. */
  readonly as?: (text: string) => unknown;
  /** Whether the documentation refuses it, for places where that can be said of one text alone. */
  readonly refused?: (text: string) => boolean;
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HASH =
  '$argon2id$v=19$m=7168,t=5,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
const KEYS = `api_keys: {machines: {keys: [{id: a, sha256: ${'a'.repeat(64)}}]}}`;
const ISSUER = `issuers: {corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(createSigningKey('ES256')))}}}`;
const ROUTES = `${ISSUER}\nroutes:`;
const require = (key: string) => (text: string, index: number) =>
  `  - {path: /r/${index}, require: {${key.replace('TEXT', () => asYaml(text))}}}`;

const readSources = ({ routes }: Policy): unknown[] =>
  (routes[0]?.accept.tokenSources ?? []).map((source) => ('name' in source ? source.name : null));

const PLACES: readonly Place[] = [
  {
    name: 'a role',
    head: ROUTES,
    entry: require('roles: [TEXT]'),
    read: ({ routes }) => routes.map((route) => route.require.roles[0]),
    refused: (text) => text === '' || hasPlaceholder(text),
  },
  {
    name: 'a scope',
    head: ROUTES,
    entry: require('scopes: [TEXT]'),
    read: ({ routes }) => routes.map((route) => route.require.scopes[0]),
    refused: (text) => !/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text) || hasPlaceholder(text),
  },
  {
    name: 'what a claim must be',
    head: ROUTES,
    entry: require('claims: {x: TEXT}'),
    read: ({ routes }) => routes.map((route) => route.require.claims[0]?.matchers),
    as: (text) => [{ op: 'equals', value: text }],
    refused: (text) => text === '' || hasPlaceholder(text),
  },
  {
    name: 'the name of a claim',
    head: ROUTES,
    entry: (text, index) => `  - {path: /r/${index}, require: {claims: {${asYamlKey(text)}: 1}}}`,
    read: ({ routes }) => routes.map((route) => route.require.claims[0]?.name),
  },
  {
    name: 'a path',
    head: ROUTES,
    entry: (text, index) => `  - {id: "${index}", path: ${asYaml(`/${index}/${text}`)}}`,
    read: ({ routes }) => routes.map((route) => route.path.replace(/^\/\d+\//, '')),
  },
  {
    name: 'a host',
    head: ROUTES,
    entry: (text, index) => `  - {id: "${index}", path: /**, host: ${asYaml(text)}}`,
    read: ({ routes }) => routes.map((route) => route.host),
    as: (text) => text.toLowerCase(),
  },
  {
    name: 'a method',
    head: ROUTES,
    entry: (text, index) => `  - {path: /${index}, methods: [${asYaml(text)}]}`,
    read: ({ routes }) => routes.map((route) => route.methods?.[0]),
    refused: (text) => text === '*' || !TOKEN.test(text) || hasPlaceholder(text),
  },
  {
    name: 'the id of a route',
    head: ROUTES,
    entry: (text, index) => `  - {path: /${index}, id: ${asYaml(text)}}`,
    read: ({ routes }) => routes.map((route) => route.id),
  },
  {
    name: 'the name of a header',
    head: `${KEYS}\nidentity:\n  headers:`,
    entry: (text) => `    ${asYamlKey(text)}: {claim: x}`,
    read: ({ identity }) => identity.headers.filter(({ from }) => 'claim' in from).map(({ name }) => name),
  },
  {
    name: 'the claim of a header',
    head: `${KEYS}\nidentity:\n  headers:`,
    entry: (text, index) => `    X-Auth-${index}: {claim: ${asYaml(text)}}`,
    read: ({ identity }) => identity.headers.flatMap(({ from }) => ('claim' in from ? [from.claim] : [])),
    as: (text) => (text.startsWith('/') ? text.slice(1).split('/') : [text]),
  },
  {
    name: 'the name of a user',
    head: 'basic:\n  ops:\n    users:',
    entry: (text) => `      - {username: ${asYaml(text)}, password_hash: ${asYaml(HASH)}}`,
    read: ({ userLists }) => (userLists[0]?.users ?? []).map(({ username }) => username),
    as: (text) => text.normalize('NFC'),
  },
  {
    name: 'the name of a parameter',
    head: `${ISSUER}\ntoken_sources:`,
    entry: (text) => `  - {query: ${asYaml(text)}}`,
    read: readSources,
    refused: (text) => text === '' || /[\0-\x1f\x7f]/.test(text) || hasPlaceholder(text),
  },
  {
    name: 'the audience of a route',
    head: ROUTES,
    entry: (text, index) => `  - {path: /${index}, audience: [${asYaml(text)}]}`,
    read: ({ routes }) => routes.map((route) => route.audience?.[0]),
  },
  {
    name: 'the name of a cookie',
    head: `${ISSUER}\ntoken_sources:`,
    entry: (text) => `  - {cookie: ${asYaml(text)}}`,
    read: readSources,
    refused: (text) => !TOKEN.test(text) || hasPlaceholder(text),
  },
];
for (const place of PLACES) {
  t.test(`each text as ${place.name} is taken as it is, or refused where it stands`, async (t) => {
    const { policy, taken, refused } = await sort(place);
    t.ok(taken.length > 30, 'some are taken');
    t.strictSame(place.read(policy), taken.map(place.as ?? ((text) => text)));
    t.strictSame(
      [...refused.values()].flat().filter((problem) => !isClear(problem)),
      [],
    );
    if (place.refused === undefined) return;
    t.strictSame([...refused.keys()].toSorted(), ALL_NAUGHTY.filter(place.refused).toSorted());
  });
}

interface Sorted {
  readonly policy: Policy;
  readonly taken: readonly string[];
  readonly refused: ReadonlyMap<string, readonly Problem[]>;
}

/** Loads all, leaves out those in whose lines a problem is, and loads again, until what is left is a policy. */
async function sort({ head, entry }: Place): Promise<Sorted> {
  const refused = new Map<string, readonly Problem[]>();
  const before = `upstream: http://127.0.0.1:9\nlisten: 127.0.0.1:0\nadmin: none\n${head}\n`;
  const after = head.endsWith('routes:') ? '' : 'routes: [{path: /**}]\n';
  const first = before.split('\n').length;
  for (;;) {
    const taken = ALL_NAUGHTY.filter((text) => !refused.has(text));
    const loaded = await loadText(`${before}${taken.map(entry).join('\n')}\n${after}`);
    if (loaded.ok) return { policy: loaded.policy, taken, refused };
    for (const problem of loaded.problems) {
      const text = taken[problem.line - first];
      if (text === undefined) throw new Error(`elsewhere: ${JSON.stringify(problem)}`);
      refused.set(text, [...(refused.get(text) ?? []), problem]);
    }
  }
}

/** One line of bounded length, with nothing that a terminal acts on. */
function isClear({ code, message, path }: Problem): boolean {
  const acting = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]/u;
  return (
    /^[a-z_]+$/.test(code) && !acting.test(message + path) && message.isWellFormed() && message.length < 600
  );
}
