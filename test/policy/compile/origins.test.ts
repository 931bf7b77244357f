/** Origins of a policy: the one spelling that browsers send, and the right one for every other. */
import t from 'tap';
import { checkOrigin } from '../../../src/policy/compile/origins.ts';

const GOOD = [
  'https://app.example.com',
  'http://localhost:3000',
  'http://127.0.0.1:8080',
  'http://[::1]:8080',
  'https://[2001:db8::1]',
  'http://example.com:443',
  'https://example.com:80',
  'https://xn--bcher-kva.example',
  'https://example.com.',
  'capacitor://localhost',
  'chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb',
];

t.test('an origin as browsers send it is taken', async (t) => {
  for (const origin of GOOD) t.equal(checkOrigin(origin), null, origin);
});

const SPELT: readonly (readonly [written: string, right: string])[] = [
  ['https://app.example.com/', 'https://app.example.com'],
  ['https://app.example.com/path?x#y', 'https://app.example.com'],
  ['https://App.Example.com', 'https://app.example.com'],
  ['HTTPS://app.example.com', 'https://app.example.com'],
  ['https://app.example.com:443', 'https://app.example.com'],
  ['http://app.example.com:80', 'http://app.example.com'],
  ['http://app.example.com:080', 'http://app.example.com'],
  ['http://app.example.com:', 'http://app.example.com'],
  ['https://bücher.example', 'https://xn--bcher-kva.example'],
  ['http://127.1', 'http://127.0.0.1'],
  ['http://[0:0:0:0:0:0:0:1]', 'http://[::1]'],
  ['https://user:secret@app.example.com', 'https://app.example.com'],
  ['https://app.example.com ', 'https://app.example.com'],
  ['wss://app.example.com', 'https://app.example.com'],
  ['ws://app.example.com:80', 'http://app.example.com'],
  ['ws://app.example.com:443', 'http://app.example.com:443'],
  ['capacitor://LocalHost', 'capacitor://localhost'],
  ['app.example.com', 'https://app.example.com or'],
  ['app.example.com:8443', 'https://app.example.com:8443 or'],
];

t.test('another spelling is refused with the right one', async (t) => {
  for (const [written, right] of SPELT) {
    const message = checkOrigin(written);
    t.match(message, `write ${right}`, written);
    t.notMatch(message, 'secret');
    if (!right.endsWith(' or')) t.ok(message?.endsWith(right), `${written}: ${message}`);
  }
});

t.test('what is no origin at all is refused', async (t) => {
  for (const written of [
    '',
    'null',
    '*',
    ' https://app.example.com',
    'https://*.example.com',
    'https://',
    'https:///',
    'file:///etc/passwd',
    'https://a,https://b',
    'https://a b',
    'https://a"b',
    'https://example.com:99999',
    'https://example.com:0',
    'https://u:secret@',
    'data:text/html,x',
  ]) {
    const message = checkOrigin(written);
    t.type(message, 'string', written);
    t.notMatch(message, 'secret');
  }
});
