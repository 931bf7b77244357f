import t from 'tap';
import { sourceUrl } from '../../src/keys/source-url.ts';
import type { KeySource } from '../../src/policy/sources.ts';

const FIRST = 'https://idp.test/realms/a';

t.test('the address of a source is what is written, else the first issuer, else none', async (t) => {
  const rows: readonly (readonly [KeySource, string | undefined, string | undefined])[] = [
    [{ from: 'url', url: 'https://keys.test/jwks', form: 'jwks' }, FIRST, 'https://keys.test/jwks'],
    [{ from: 'discovery', url: 'https://d.test/x' }, FIRST, 'https://d.test/x'],
    [{ from: 'discovery', url: null }, FIRST, FIRST],
    [{ from: 'discovery', url: null }, undefined, undefined],
    [{ from: 'discovery', url: null }, 'accounts.google.com', undefined],
    [{ from: 'each', template: 'https://keys.test/{kid}' }, FIRST, 'https://keys.test/%7Bkid%7D'],
    [{ from: 'static', document: { keys: [] }, form: 'jwks' }, FIRST, undefined],
    [{ from: 'secret', secret: Buffer.alloc(32) }, FIRST, undefined],
  ];
  for (const [keys, first, expected] of rows) t.equal(sourceUrl(keys, first)?.href, expected, keys.from);
});
