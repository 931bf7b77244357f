/** Changes inputs a little: bytes, pieces, words of the grammar, lines, and pieces of other inputs. */
import type { Random } from './random.ts';
import type { Mutator, Target } from './target.ts';

/** Bytes that separate, end, escape or frame something in most grammars. */
const TELLING = Buffer.from('\0\t\n\r "#%&\'*+,-./0159:;<=>?@A[\\]^_`az{|}~\x7f\x80\xc0\xe9\xff', 'latin1');
/** How often a piece is repeated, to reach bounds. */
const REPEATS = [2, 3, 8, 64, 300];
const MOST_CHANGES = 5;

/** An input made of one of the corpus by one to a few changes. */
export function mutate(input: Buffer, corpus: readonly Buffer[], target: Target, random: Random): Buffer {
  let changed = input;
  for (let changes = 1 + random.below(MOST_CHANGES); changes > 0; changes -= 1) {
    changed = pickMutator(corpus, target, random)(changed, random);
  }
  return changed.subarray(0, target.longest);
}

function pickMutator(corpus: readonly Buffer[], target: Target, random: Random): Mutator {
  const own = target.mutators ?? [];
  if (own.length > 0 && random.below(3) === 0) return random.pick(own);
  return random.pick<Mutator>([
    flipBit,
    setByte,
    insertByte,
    remove,
    repeat,
    swapCase,
    changeLine,
    (input) => insert(input, word(target, random), random),
    (input) => replace(input, word(target, random), random),
    (input) => splice(input, random.pick(corpus), random),
  ]);
}

function word(target: Target, random: Random): Buffer {
  return Buffer.from(random.pick(target.dictionary), 'latin1');
}

const flipBit: Mutator = (input, random) => {
  const changed = Buffer.from(input);
  const at = random.below(changed.length);
  changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
  return changed;
};

const setByte: Mutator = (input, random) => {
  const changed = Buffer.from(input);
  changed[random.below(changed.length)] = TELLING[random.below(TELLING.length)] ?? 0;
  return changed;
};

const insertByte: Mutator = (input, random) =>
  insert(input, Buffer.from([TELLING[random.below(TELLING.length)] ?? 0]), random);

const remove: Mutator = (input, random) => {
  const [from, to] = range(input, random);
  return Buffer.concat([input.subarray(0, from), input.subarray(to)]);
};

const repeat: Mutator = (input, random) => {
  const [from, to] = range(input, random);
  const piece = input.subarray(from, to);
  const times = random.pick(REPEATS);
  return Buffer.concat([input.subarray(0, to), ...Array(times).fill(piece), input.subarray(to)]);
};

/** RFC grammars are full of names whose case is nothing, beside ones whose case is all. */
const swapCase: Mutator = (input, random) => {
  const changed = Buffer.from(input);
  const [from, to] = range(input, random);
  for (let i = from; i < to; i += 1) {
    const byte = changed[i] ?? 0;
    if (/[a-z]/i.test(String.fromCharCode(byte))) changed[i] = byte ^ 0x20;
  }
  return changed;
};

/** Takes a line away, doubles it, moves it, or moves it in. */
const changeLine: Mutator = (input, random) => {
  const lines = input.toString('latin1').split('\n');
  const at = random.below(lines.length);
  const line = lines[at] ?? '';
  const ways = [
    () => lines.splice(at, 1),
    () => lines.splice(at, 0, line),
    () => lines.splice(random.below(lines.length), 0, ...lines.splice(at, 1)),
    () => lines.splice(at, 1, `${' '.repeat(1 + random.below(4))}${line}`),
    () => lines.splice(at, 1, line.trimStart()),
  ];
  random.pick(ways)();
  return Buffer.from(lines.join('\n'), 'latin1');
};

function insert(input: Buffer, piece: Buffer, random: Random): Buffer {
  const at = random.below(input.length + 1);
  return Buffer.concat([input.subarray(0, at), piece, input.subarray(at)]);
}

function replace(input: Buffer, piece: Buffer, random: Random): Buffer {
  const [from, to] = range(input, random);
  return Buffer.concat([input.subarray(0, from), piece, input.subarray(to)]);
}

function splice(input: Buffer, other: Buffer, random: Random): Buffer {
  const [from, to] = range(other, random);
  return random.below(2) === 0
    ? insert(input, other.subarray(from, to), random)
    : Buffer.concat([input.subarray(0, random.below(input.length + 1)), other.subarray(from)]);
}

/** A piece; short ones far more often than long ones. */
function range(input: Buffer, random: Random): readonly [number, number] {
  const from = random.below(input.length);
  const length = 1 + random.below(random.below(4) === 0 ? input.length : 8);
  return [from, Math.min(input.length, from + length)];
}
