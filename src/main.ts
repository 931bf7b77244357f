/** The process: hands argv, environment and streams to the command line and takes its exit code. */
import { relative } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { describeDefect, main } from './cli/command-line.ts';
import { EXIT_CONFIGURATION, EXIT_DEFECT, EXIT_FAILED } from './cli/exit-codes.ts';
import { endsBy, tellEnd, writeLast } from './cli/last-line.ts';
import { unsupportedNode } from './cli/node-version.ts';

// Without a listener the signal opens Node's inspector, by which every process that reaches loopback reads keys.
process.on('SIGUSR1', () => {});

if (isMainThread) await runCommandLine();
// In the one-file build our only thread begins here too; its own file does what it was started for.
else await import('./credentials/bcrypt-thread.ts');

async function runCommandLine(): Promise<void> {
  // A reader that went away (`sallyport help | head -1`) is no defect, nor is a disk that is full.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') process.exitCode ||= EXIT_FAILED;
    });
  }
  const fail = (error: unknown) => {
    endsBy('an unexpected error, told above');
    writeLast(describeDefect(error));
    process.exit(EXIT_DEFECT);
  };
  process.on('uncaughtException', fail);
  // By itself Node makes an exception of it, unless NODE_OPTIONS say otherwise.
  process.on('unhandledRejection', fail);
  const unsupported = unsupportedNode(process.versions.node);
  if (unsupported !== null) {
    process.stderr.write(`sallyport: ${unsupported}\n`);
    process.exitCode = EXIT_CONFIGURATION;
    return;
  }
  if (process.argv[2] === 'run') tellEnd();
  const code = await main(process.argv.slice(2), {
    program: nameOfProgram(process.argv[1] ?? ''),
    environment: process.env,
    streams: { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr },
  });
  process.exitCode = code || process.exitCode || 0;
  endsBy(null);
}

/** What to type to call us again: the installed name, or node and the script, with the node that belongs to it. */
function nameOfProgram(script: string): string {
  if (/[\\/]sallyport$/.test(script)) return 'sallyport';
  const node = /[\\/]node_modules[\\/]/.test(process.execPath) ? 'npx node' : 'node';
  return `${node} ${relative(process.cwd(), script)}`;
}
