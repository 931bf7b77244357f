/**
 * Logins that hold for a connection instead of a request: NTLM, and what Negotiate and Kerberos make of it (RFC 4559
 * section 6). An upstream takes every later request on such a connection for the same user's, so it must carry the
 * requests of one client connection alone.
 */

/** Schemes of such logins, as they begin the value of Authorization. */
const LOGIN = /^[ \t]*(?:ntlm|negotiate|nego2|kerberos|pku2u)(?:[ \t]|$)/i;
/** The same among the challenges of a field, which may hold several (RFC 9110 section 11.6.1). */
const CHALLENGE = /(?:^|[ \t,])(?:ntlm|negotiate|nego2|kerberos|pku2u)(?:[ \t,]|$)/i;

/** Whether a request logs its connection in. @param headers flat list, as it is sent */
export function carriesLogin(headers: readonly string[]): boolean {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() === 'authorization' && LOGIN.test(headers[i + 1] ?? '')) return true;
  }
  return false;
}

/** Whether a response asks for such a login. @param raw names and values in turn, as bytes */
export function asksForLogin(status: number, raw: readonly Buffer[]): boolean {
  if (status !== 401 && status !== 407) return false;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]?.toString('latin1').toLowerCase();
    if (name !== 'www-authenticate' && name !== 'proxy-authenticate') continue;
    if (CHALLENGE.test(raw[i + 1]?.toString('latin1') ?? '')) return true;
  }
  return false;
}
