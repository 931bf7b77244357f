import t from 'tap';
import { parseNoProxy } from '../../src/keys/no-proxy.ts';

t.test('NO_PROXY is read as curl and Go read it', async (t) => {
  const rows: readonly (readonly [list: string, url: string, direct: boolean])[] = [
    ['', 'https://login.example.com', false],
    ['*', 'https://login.example.com', true],
    ['other.test, *', 'https://login.example.com', true],
    ['login.example.com', 'https://login.example.com', true],
    ['LOGIN.example.COM', 'https://Login.Example.com', true],
    ['example.com', 'https://login.example.com', true],
    ['.example.com', 'https://login.example.com', true],
    ['.example.com', 'https://example.com', true],
    ['*.example.com', 'https://login.example.com', true],
    ['example.com.', 'https://login.example.com', true],
    ['example.com', 'https://login.example.com./', true],
    ['example.com', 'https://notexample.com', false],
    ['example.com', 'https://example.com.evil.test', false],
    ['login.example.com', 'https://example.com', false],
    ['a.test b.test\tc.test', 'https://b.test', true],
    ['a.test,,c.test,', 'https://c.test', true],
    ['login.example.com:443', 'https://login.example.com', true],
    ['login.example.com:443', 'https://login.example.com:8443', false],
    ['example.com:80', 'http://login.example.com', true],
    ['example.com:80', 'https://login.example.com', false],
    ['10.1.2.3', 'https://10.1.2.3', true],
    ['10.1.2.3', 'https://10.1.2.33', false],
    ['10.1.2.3:8443', 'https://10.1.2.3:8443', true],
    ['10.1.2.3:8443', 'https://10.1.2.3', false],
    ['10.0.0.0/8', 'https://10.200.1.1', true],
    ['10.0.0.0/8', 'https://11.0.0.1', false],
    ['10.0.0.0/8', 'https://10.example.com', false],
    ['2001:db8::/32', 'https://[2001:db8::7]', true],
    ['2001:db8::/32', 'https://[2001:db9::7]', false],
    ['2001:db8::7', 'https://[2001:db8:0::7]', true],
    ['[2001:db8::7]:443', 'https://[2001:db8::7]', true],
    ['[2001:db8::7]:444', 'https://[2001:db8::7]', false],
    ['10.0.0.0/33', 'https://10.0.0.1', false],
    ['10.0.0.0/', 'https://10.0.0.1', false],
    ['10.0.0.0/x', 'https://10.0.0.1', false],
    ['.', 'https://login.example.com', false],
    ['', 'http://localhost:8080', true],
    ['', 'http://keys.localhost', true],
    ['', 'http://127.0.0.1', true],
    ['', 'http://127.255.0.9', true],
    ['', 'http://[::1]:8080', true],
    ['', 'http://128.0.0.1', false],
    ['', 'http://localhost.evil.test', false],
    ['', 'http://127.0.0.1.evil.test', false],
  ];
  for (const [list, url, direct] of rows) {
    t.equal(parseNoProxy(list)(new URL(url)), direct, `${JSON.stringify(list)} ${url}`);
  }
});
