/** Passwords that are guessed, each of which is a hash that was made to be slow. */
import type { Attack } from './attack.ts';
import { flood } from './flood.ts';
import { head } from './requests.ts';

const guesses: Attack = {
  name: 'password-guesses',
  what: 'a password for each request, Argon2id of 19 MiB',
  unit: 'requests',
  // Two hashes at once.
  mostMebibytes: 160,
  mostDescriptors: 150,
  expects: ['401', '503'],
  begin: (target) => {
    let sent = 0;
    return flood(target, {
      connections: 100,
      next: () => {
        sent += 1;
        const pair = Buffer.from(`${sent % 2 === 0 ? 'bob' : `user-${sent}`}:guess-${sent}`);
        return head('GET', '/jobs/1', `Authorization: Basic ${pair.toString('base64')}`);
      },
    });
  },
};

export const passwordGuesses: readonly Attack[] = [
  guesses,
  {
    ...guesses,
    name: 'password-guesses-budget',
    what: 'the same with limits.failed_credentials',
    // Less than the usual 100/1m: what is judged at two a time uses that up only after seconds.
    failedCredentials: '{per_peer: 10/1m}',
    expects: ['401', '429'],
  },
];
