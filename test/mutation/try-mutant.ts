/** Runs tests and says whether they noticed; ends what goes on for too long, with all that it started. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Program } from './modules.ts';

/** How a program ended; what does not end within its time is noticed too. */
export type Ended = 'passed' | 'failed' | 'timed out';

/** Runs a program in a process of its own, in a directory. */
export async function run(directory: string, program: Program, limit: number): Promise<Ended> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...program], {
    cwd: directory,
    // Most of the time would go into compiling what is the same in every run.
    env: { ...process.env, TAP_BAIL: '1', NODE_COMPILE_CACHE: `${directory}/compiled` },
    stdio: 'ignore',
    // A group of its own, so that gateways which the test started end with it.
    detached: true,
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    endGroup(child.pid);
  }, limit);
  const [code] = await once(child, 'exit');
  clearTimeout(timer);
  endGroup(child.pid);
  if (late) return 'timed out';
  return code === 0 ? 'passed' : 'failed';
}

function endGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // Nobody of it is left.
  }
}
