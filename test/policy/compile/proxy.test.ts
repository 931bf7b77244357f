import t, { type Test } from 'tap';
import type { ProxyPolicy } from '../../../src/policy/sources.ts';
import { load, loadGood } from '../../fixtures/load.ts';

type Environment = Readonly<Record<string, string>>;

const corp = (more: string) => `issuers: {corp: {issuer: "https://login.example.com", audience: a, ${more}}}`;
const insecure = 'jwks_uri: "http://keys.example.com/k", insecure_http: true';

async function proxyOf(more: string, environment: Environment = {}): Promise<ProxyPolicy | null | undefined> {
  return (await loadGood(corp(more), { environment })).issuers[0]?.proxy;
}

t.test('what is written wins over the environment, NO_PROXY included', async (t) => {
  const environment = { HTTPS_PROXY: 'http://other.test', NO_PROXY: '*' };
  t.same(await proxyOf('http_proxy: "http://proxy.test:3128"', environment), {
    url: 'http://proxy.test:3128/',
    noProxy: '',
  });
  t.equal(await proxyOf('http_proxy: none', environment), null);
  t.same(await proxyOf('http_proxy: "https://u%20v:p%40%3a@proxy.test/"'), {
    url: 'https://u%20v:p%40%3a@proxy.test/',
    noProxy: '',
  });
});

t.test('the variable of the scheme of the source counts, in small letters first', async (t) => {
  const https = 'https://login.example.com/k';
  const rows: readonly (readonly [more: string, environment: Environment, url: string | null])[] = [
    ['', {}, null],
    ['', { HTTPS_PROXY: 'http://p.test' }, 'http://p.test/'],
    ['', { HTTPS_PROXY: 'p.test:3128' }, 'http://p.test:3128/'],
    ['', { HTTPS_PROXY: 'http://capitals.test', https_proxy: 'http://small.test' }, 'http://small.test/'],
    ['', { HTTPS_PROXY: 'http://capitals.test', https_proxy: '' }, 'http://capitals.test/'],
    ['', { HTTP_PROXY: 'http://p.test', http_proxy: 'http://p.test', ALL_PROXY: 'http://p.test' }, null],
    [`jwks_uri: "${https}"`, { https_proxy: 'http://p.test' }, 'http://p.test/'],
    [`discovery_url: "${https}"`, { https_proxy: 'http://p.test' }, 'http://p.test/'],
    [`certificates_uri: "${https}"`, { https_proxy: 'http://p.test' }, 'http://p.test/'],
    [`key_uri: "${https}/{kid}"`, { https_proxy: 'http://p.test' }, 'http://p.test/'],
    [insecure, { HTTPS_PROXY: 'http://p.test' }, null],
    [insecure, { HTTP_PROXY: 'http://p.test' }, 'http://p.test/'],
    ['jwks_uri: "http://localhost:8080/k"', { HTTP_PROXY: 'http://p.test' }, null],
    ['jwks_uri: "http://localhost:8080/k"', { HTTP_PROXY: 'socks5://p.test' }, null],
    ['secret: "01234567890123456789012345678901"', { HTTPS_PROXY: 'socks5://p.test' }, null],
  ];
  for (const [more, environment, url] of rows) {
    t.equal((await proxyOf(more, environment))?.url ?? null, url, `${more} ${JSON.stringify(environment)}`);
  }
  const both = { HTTPS_PROXY: 'http://p.test', NO_PROXY: 'capitals', no_proxy: 'small' };
  t.equal((await proxyOf('', both))?.noProxy, 'small');
});

t.test('what could not be used is refused, and not repeated', async (t) => {
  const bad = [
    'proxy.hunter2.test:3128',
    'socks5://hunter2.test',
    'http://u:hunter2@',
    'http://hunter2.test/path',
    'http://hunter2.test?x',
    'http://hunter2.test#x',
    'http://hunter2.test:99999',
    'http://u%3av:hunter2@proxy.test',
    'http://u:%hunter2@proxy.test',
    'http://u:hunter2%0d%0aX:%20y@proxy.test',
  ];
  for (const value of bad) {
    await isRefused(t, corp(`http_proxy: "${value}"`), {}, /must be the http:\/\/ or https:\/\/ URL/);
    if (value.startsWith('proxy.')) continue;
    await isRefused(t, corp(''), { HTTPS_PROXY: value }, /^HTTPS_PROXY of the environment must be/);
  }
});

async function isRefused(t: Test, text: string, environment: Environment, message: RegExp): Promise<void> {
  const loaded = await load(text, { environment });
  const problems = loaded.ok ? [] : loaded.problems;
  t.match(problems, [{ code: 'invalid_proxy', path: /^issuers\.corp/, message }], text);
  t.notMatch(JSON.stringify(problems), /hunter2/);
}

t.test('a proxy, or redirects, beside keys that are not fetched have no effect', async (t) => {
  const fixed = 'secret: "01234567890123456789012345678901"';
  for (const [key, value] of [
    ['http_proxy', '"http://p.test"'],
    ['http_proxy', 'none'],
    ['redirects', 'same_origin'],
  ]) {
    const loaded = await load(corp(`${fixed}, ${key}: ${value}`));
    t.match(loaded, { ok: false, problems: [{ code: 'no_effect', path: `issuers.corp.${key}` }] });
  }
});
