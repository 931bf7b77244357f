/**
 * Asks the admin listener of this machine for its state, over a bare socket: a health check runs every few seconds beside
 * the gateway and within its limits, and `node:http` alone would double what it takes.
 */
import { connect } from 'node:net';
import { optionTime } from '../timers.ts';

/** Milliseconds to wait for the answer unless told otherwise. */
export const USUAL_TIMEOUT = 3_000;
/** The admin address of a policy that names none. */
export const USUAL_ADMIN = '127.0.0.1:9901';
/** Bytes of an answer that are looked at: a status line is shorter. */
const LONGEST = 1024;

/**
 * The status of the answer, or in words why there is none.
 * @param address `HOST:PORT`, `:PORT` or `unix:/PATH`; all interfaces are asked on loopback
 * @param path `/livez` or `/readyz`
 * @param timeout milliseconds
 */
export function askAdmin(address: string, path: string, timeout: number): Promise<number | string> {
  return new Promise((resolve) => {
    const socket = connect(whereIs(address));
    let text = '';
    const end = (outcome: number | string) => {
      resolve(outcome);
      socket.destroy();
    };
    socket.setTimeout(optionTime(timeout), () => end(`nothing within ${timeout} ms`));
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.message || String(error.code)));
    socket.on('end', () => end('the connection ended before an answer'));
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text = (text + chunk).slice(0, LONGEST);
      const status = /^HTTP\/1\.1 (\d{3}) [^\r]*\r\n/.exec(text)?.[1];
      if (status !== undefined) end(Number(status));
      else if (text.includes('\r\n') || text.length === LONGEST) end('what answers is no admin listener');
    });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  });
}

/** Why a check failed, for people. `none` stands for a gateway without admin listener. */
export function describeOutcome(address: string, path: string, outcome: number | string): string {
  if (outcome === 'none') {
    return 'the gateway has no admin listener to ask (`admin: none`); give it one, or check it by a request of your own';
  }
  const said = typeof outcome === 'number' ? `answers ${outcome}` : `does not answer: ${outcome}`;
  return `${path} of ${address.replace(/^unix:/, '')} ${said}`;
}

function whereIs(address: string): { path: string } | { host: string; port: number } {
  if (address.startsWith('unix:')) return { path: address.slice(5) };
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  const port = Number(address.slice(colon + 1));
  if (host === '' || host === '0.0.0.0') return { host: '127.0.0.1', port };
  return { host: host === '::' ? '::1' : host, port };
}
