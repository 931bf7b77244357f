/**
 * R: some thousands of mutants of a few requests, each sent to the gateway and read by a reader that was written from
 * RFC 9112 alone. A mutant is refused, with the upstream untouched and the connection closed, or exactly the one
 * request that this reader finds reaches the upstream, in a form that has but one reading. Never two, never a 5xx.
 */
import t, { type Test } from 'tap';
import { startAttackWorld } from '../fixtures/attack-world.ts';
import { chunkMutants } from '../fixtures/mutants/chunks.ts';
import { codingMutants, lengthMutants } from '../fixtures/mutants/framing-fields.ts';
import { hiddenBodyMutants, lineEndMutants, requestLineMutants } from '../fixtures/mutants/lines.ts';
import type { Mutant } from '../fixtures/mutants/mutant.ts';
import { openConnection, type RawConnection, type RawResponse } from '../fixtures/raw-client.ts';
import type { RecordedRequest } from '../fixtures/recording-upstream.ts';
import { readStrictly, type StrictReading } from '../fixtures/strict-reader.ts';

const world = await startAttackWorld(t);

/** What became of a mutant: answered with 4xx, cut without an answer, or answered by the upstream. */
type Outcome = 'refused' | 'cut' | 'forwarded';

/** Fields whose twins a server that folds names would take for the framing. */
const FRAMING_NAME = /^(?:content.length|transfer.encoding)$/i;
const FORWARDED_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\t\x20-\x7e\x80-\xff]*$/;

/** Each family, and how many of it must be let through, so that none passes because everything is refused. */
const FAMILIES: [id: string, mutants: readonly Mutant[], forwarded: number][] = [
  ['R1 R3 R4 R5 spellings of Transfer-Encoding', codingMutants(), 45],
  ['R2 R4 R5 R17 R19 spellings of Content-Length', lengthMutants(), 30],
  ['R5 R6 R14 ends of lines', lineEndMutants(), 40],
  ['R6 R7 R8 R9 H13 chunks', chunkMutants(), 30],
  ['R11 R16 bodies where few expect one', hiddenBodyMutants(), 24],
  ['R13 R28 request lines', requestLineMutants(), 6],
];

let played = 0;
for (const [name, mutants, least] of FAMILIES) {
  t.test(name, async (t) => {
    const outcomes: Record<Outcome, number> = { refused: 0, cut: 0, forwarded: 0 };
    for (const mutant of mutants) {
      outcomes[await play(t, mutant)] += 1;
    }
    t.comment(`${mutants.length} mutants: ${JSON.stringify(outcomes)}`);
    t.ok(outcomes.forwarded >= least, `${outcomes.forwarded} were forwarded, at least ${least}`);
    played += mutants.length;
  });
}

t.test('R1 there were enough of them', async (t) => t.ok(played >= 2500, `${played}`));
t.test('R1 nothing leaked, nothing crashed', (t) => world.conclude(t));

async function play(t: Test, mutant: Mutant): Promise<Outcome> {
  const read = readStrictly(mutant.readAs ?? mutant.bytes);
  const before = world.upstream.requests.length;
  const markBefore = await world.upstream.mark();
  const connection = await openConnection(world.gateway.port);
  connection.write(mutant.bytes);
  // Nobody can tell that nothing more comes but by its end.
  if (read.requests.length === 0 && read.end === 'incomplete') connection.socket.end();
  const response = await answerOf(connection, read);
  // What was announced as the end is one: whatever else is sent, there is no second answer.
  connection.socket.end();
  await connection.closed();
  const rest = connection.rest().length;
  connection.destroy();
  const markAfter = await world.upstream.mark();
  const seen = world.upstream.requests.slice(before);
  if (response?.status === 200) {
    t.strictSame(wronglySeen(read, seen), [], mutant.name);
    return 'forwarded';
  }
  const wrong: string[] = [];
  if (response !== null && !/^4/.test(String(response.status))) wrong.push(`${response.status}`);
  const isLast = response === null || (response.get('connection') === 'close' && rest === 0);
  if (read.end !== 'clean' && !isLast) wrong.push('it was not the last answer');
  if (seen.length > 0) wrong.push('a request reached the upstream');
  if (!mayBreakLate(read) && markAfter !== markBefore) wrong.push('the upstream saw something');
  t.strictSame(wrong, [], mutant.name);
  return response === null ? 'cut' : 'refused';
}

/** A head is forwarded before its body has come; if that breaks, what the upstream has is no request. */
function mayBreakLate({ requests, end }: StrictReading): boolean {
  if (end === 'broken_body' || end === 'incomplete') return true;
  return requests[0]?.fields.some(([name]) => /^transfer-encoding$/i.test(name)) === true;
}

/** The first answer; null where the connection ends without one. */
async function answerOf(connection: RawConnection, read: StrictReading): Promise<RawResponse | null> {
  try {
    return await connection.response(read.requests[0]?.method);
  } catch (error) {
    if (connection.rest().length > 0 || !/connection ended/.test(String(error))) throw error;
    return null;
  }
}

/** What is wrong unless the upstream saw what the strict reader read first, in a form that nobody reads otherwise. */
function wronglySeen(read: StrictReading, seen: readonly RecordedRequest[]): string[] {
  const [expected] = read.requests;
  const [got] = seen;
  if (got === undefined || seen.length !== 1) return [`${seen.length} requests reached the upstream`];
  if (expected === undefined) return [`it is no request by RFC 9112, but ${read.end}`];
  const wrong: string[] = [];
  if (got.method !== expected.method || got.target !== expected.target) wrong.push(got.requestLine);
  if (!got.body.equals(expected.body)) wrong.push('another body');
  const [, ...lines] = got.head.split('\r\n');
  wrong.push(...lines.filter((line) => !FORWARDED_LINE.test(line)));
  const framings = lines.filter((line) => FRAMING_NAME.test(line.replace(/:.*/, '')));
  if (framings.length > 1) wrong.push(...framings);
  return wrong;
}
