/**
 * What parsers are tested with (methods, versions, targets, lines, lengths, codings, chunks, trailers, pipelines), played
 * against the gate: at once over a socket, and byte by byte. What comes of it is written down for each, every answer and
 * every request at the upstream, and does not depend on how the bytes arrive.
 */
import type { Duplex } from 'node:stream';
import t from 'tap';
import { attackPolicy, startAttackWorld } from '../fixtures/attack-world.ts';
import { injectorOf, writeInPieces } from '../fixtures/injected-connection.ts';
import { BODIES } from '../fixtures/parser/bodies.ts';
import { CONNECTIONS } from '../fixtures/parser/connections.ts';
import { FIELDS } from '../fixtures/parser/fields.ts';
import type { Fixture } from '../fixtures/parser/fixture.ts';
import { REQUEST_LINES } from '../fixtures/parser/request-lines.ts';
import { openConnection, type RawConnection } from '../fixtures/raw-client.ts';
import { serve } from '../fixtures/server.ts';

const world = await startAttackWorld(t);
const { upstream, gateway } = world;
const inject = await injectorOf((await serve(t, attackPolicy(upstream.url))).port);

/** Connections at a time. */
const AT_ONCE = 50;
/** What is longer is cut in so many pieces: they end anywhere, and it takes no minutes. */
const MOST_PIECES = 500;

const TABLES: [name: string, fixtures: readonly Fixture[], least: number][] = [
  ['R13 R28 request lines', REQUEST_LINES, 150],
  ['R5 R6 R14 fields', FIELDS, 240],
  ['R1 R2 R3 R6 R7 R8 R9 R11 R15 bodies, and what breaks off', BODIES, 125],
  ['R10 R12 R17 R19 connections', CONNECTIONS, 40],
];
const WAYS: [name: string, open: () => Promise<RawConnection<Duplex>>, isWhole: boolean][] = [
  ['at once', () => openConnection(gateway.port), true],
  ['byte by byte', async () => inject(), false],
];

/** What came of a connection. */
type Outcome = Pick<Fixture, 'answers' | 'seen'>;

/** What tells a connection from others. */
let cases = 0;

for (const [name, fixtures, least] of TABLES) {
  for (const [way, open, isWhole] of WAYS) {
    t.test(`${name}, ${way}`, async (t) => {
      t.ok(fixtures.length >= least, `${fixtures.length} fixtures`);
      const waiting = [...fixtures];
      const playSome = async (): Promise<void> => {
        for (let fixture = waiting.shift(); fixture !== undefined; fixture = waiting.shift()) {
          const { answers, seen } = fixture;
          // Requests of a pipeline reach the upstream by several connections, in any order.
          const expected = { answers, seen: [...seen].sort() };
          t.strictSame(await play(fixture, await open(), isWhole), expected, fixture.name);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, playSome));
    });
  }
}

t.test('R10 no request reached the upstream but those', async (t) => {
  const { length } = TABLES.flatMap(([, fixtures]) => fixtures.flatMap(({ seen }) => seen));
  t.equal(upstream.requests.length, WAYS.length * length);
});
t.test('R1 nothing leaked, nothing crashed', (t) => world.conclude(t));

async function play(fixture: Fixture, connection: RawConnection<Duplex>, isWhole: boolean): Promise<Outcome> {
  cases += 1;
  const own = `${cases}`;
  const bytes = Buffer.from(fixture.bytes.replaceAll('CASE', own), 'latin1');
  const size = isWhole ? bytes.length : Math.ceil(bytes.length / MOST_PIECES);
  const answers = await answersTo(fixture, connection, writeInPieces(connection.socket, bytes, size));
  connection.destroy();
  const seen = upstream.requests
    .filter((request) => request.all('x-case').includes(own))
    .map(({ method, target, body }) => `${method} ${target} ${body.toString('latin1')}`.trimEnd())
    .sort();
  return { answers, seen };
}

/** As many answers as are due, and all that come behind them until the connection ends. */
async function answersTo(
  fixture: Fixture,
  connection: RawConnection<Duplex>,
  sent: Promise<void>,
): Promise<number[]> {
  const answers: number[] = [];
  const read = async (): Promise<void> => {
    const isHead = answers.length === 0 && fixture.bytes.startsWith('HEAD');
    const { interim, status } = await connection.response(isHead ? 'HEAD' : 'GET');
    answers.push(...interim, status);
  };
  if (fixture.isUnfinished) {
    await sent;
    connection.socket.end();
  }
  try {
    while (answers.length < fixture.answers.length) await read();
    await sent;
    connection.socket.end();
    await connection.closed();
    while (connection.rest().length > 0) await read();
  } catch (error) {
    // Fewer than were due: that is what came of it.
    if (!/connection ended/.test(String(error))) throw error;
  }
  return answers;
}
