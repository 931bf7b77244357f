/** The process of one attack: told which, it begins; told to stop, it says what became of it. */
import type { Assault, Assignment, Tally } from './attack.ts';
import { attacks } from './attacks.ts';
import { createTokenMaker } from './tokens.ts';
import { answerEach } from './worker.ts';

export type AttackerQuestion = { readonly begin: Assignment } | { readonly stop: true };

/** What an attack came to. */
export interface AttackerAnswer {
  /** In the attack's own unit. */
  readonly count: number;
  readonly answers: Readonly<Record<string, number>>;
}

/** Where attacks come from; the good caller has another address. */
const FROM = '127.0.0.2';

let assault: Assault | null = null;
let count = 0;
const answers: Record<string, number> = {};
const tally: Tally = {
  count: (amount = 1) => {
    count += amount;
  },
  answered: (what) => {
    answers[what] = (answers[what] ?? 0) + 1;
  },
};

answerEach<AttackerQuestion, AttackerAnswer>(async (question) => {
  if ('begin' in question) {
    const attack = attacks.find(({ name }) => name === question.begin.name);
    if (attack === undefined) throw new Error(`no attack ${question.begin.name}`);
    const tokens = createTokenMaker(question.begin.material, 'mallory');
    assault = await attack.begin({ ...question.begin, from: FROM, tokens, tally });
  } else {
    assault?.stop();
  }
  return { count, answers };
});
