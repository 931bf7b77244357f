/** Processes of our own beside the gateway, each of which is asked one thing after another and answers each. */
import { fork, spawnSync } from 'node:child_process';
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
  /** Lets everybody else go first: attackers stand for other machines, and must not take the gateway's time. */
  readonly isElsewhere: boolean;
}

/** Starts one. What it says without being asked is for nobody. */
export function startWorker<Question extends object, Answer>({
  file,
  isElsewhere,
}: WorkerOptions): Worker<Question, Answer> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  if (isElsewhere && child.pid !== undefined) yieldAlways(child.pid);
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

/**
 * Has a process run only where nothing else wants to. A low priority alone would let it finish its slice of a core, of up to
 * 10 ms, before whoever has something to do.
 */
function yieldAlways(pid: number): void {
  const { status } = spawnSync('chrt', ['--idle', '--all-tasks', '--pid', '0', String(pid)], {
    stdio: 'ignore',
  });
  if (status !== 0) setPriority(pid, 19);
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
