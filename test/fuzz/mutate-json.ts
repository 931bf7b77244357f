/** Changes a JSON text as a tree: values for others, members away, twice, or under other names. */
import type { Random } from './random.ts';
import type { Mutator } from './target.ts';

/** Values that tell readers of JSON apart. */
const VALUES = [
  'null',
  'true',
  '0',
  '-1',
  '1e400',
  '4102444801',
  '9007199254740993',
  '""',
  '" "',
  '"\\u0000"',
  '"\\ud800"',
  '"é"',
  '"none"',
  '[]',
  '{}',
  '[[]]',
  '[null]',
  '{"a":{"a":[1]}}',
  `${'['.repeat(40)}${']'.repeat(40)}`,
];
/** A member's value as it is written, nested at most once. */
const VALUE = /"(?:[^"\\]|\\.)*"(?!\s*:)|-?\d+(?:\.\d+)?|true|false|null|\[[^[\]{}]*\]/g;
const MEMBER = /"(?:[^"\\]|\\.)*"\s*:\s*(?:"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|true|false|null|\[[^[\]{}]*\])/g;

/** A mutator with more words for names and values of one document. */
export function jsonMutator(words: readonly string[]): Mutator {
  return (input, random) => Buffer.from(changeJson(input.toString('latin1'), words, random), 'latin1');
}

function changeJson(text: string, words: readonly string[], random: Random): string {
  const word = (): string => random.pick([...VALUES, ...words.map((each) => JSON.stringify(each))]);
  switch (random.below(4)) {
    case 0:
      return replaceOne(text, VALUE, random, () => word());
    case 1:
      return replaceOne(text, MEMBER, random, () => '"x":1');
    case 2:
      return replaceOne(text, MEMBER, random, (member) => `${member},${member}`);
    default:
      return replaceOne(text, MEMBER, random, (member) => {
        const name = JSON.stringify(random.pick(words));
        return `${name}:${word()},${member}`;
      });
  }
}

function replaceOne(text: string, pattern: RegExp, random: Random, by: (found: string) => string): string {
  const found = [...text.matchAll(pattern)];
  if (found.length === 0) return text;
  const chosen = random.pick(found);
  return text.slice(0, chosen.index) + by(chosen[0]) + text.slice(chosen.index + chosen[0].length);
}
