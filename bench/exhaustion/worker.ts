/** Processes of our own beside the gateway, each of which is asked one thing after another and answers each. */
import { fork } from 'node:child_process';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';

/** A process that answers. */
export interface Worker<Question, Answer> {
  ask(question: Question): Promise<Answer>;
  stop(): void;
}

export interface WorkerOptions {
  /** Beside this file. */
  readonly file: string;
  /** How much it lets others go first: attackers stand for other machines, and must not take the gateway's time. */
  readonly nice: number;
}

/** Starts one. What it says without being asked is for nobody. */
export function startWorker<Question extends object, Answer>({
  file,
  nice,
}: WorkerOptions): Worker<Question, Answer> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  // Going first again is for the superuser only: 0 leaves it as ours is.
  if (child.pid !== undefined && nice > 0) setPriority(child.pid, nice);
  const abandon = (): void => void child.kill('SIGKILL');
  process.once('exit', abandon);
  child.once('exit', () => process.off('exit', abandon));
  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        const ended = (): void => reject(new Error(`${file} ended before it answered`));
        child.once('exit', ended);
        child.once('message', (answer) => {
          child.off('exit', ended);
          resolve(answer as Answer);
        });
        child.send(question, (error) => {
          if (error) reject(error);
        });
      }),
    stop: abandon,
  };
}

/** For the other side: answers each question by what the function says. */
export function answerEach<Question, Answer>(answer: (question: Question) => Promise<Answer>): void {
  process.on('message', (question: Question) => {
    answer(question).then(
      (said) => process.send?.(said),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
