/** Which blocks of `src` ran, by V8's own precise coverage. */
import { type Profiler, Session } from 'node:inspector';

/** Looks at what ran since the last look. */
export interface Coverage {
  /** The blocks that ran since the last look. */
  look(): ReadonlySet<string>;
  close(): void;
}

/** Starts counting. A look costs more than most inputs do, so several inputs share one. */
export function startCoverage(): Coverage {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  return {
    look: () => {
      const ran = new Set<string>();
      // The answer comes before `post` returns: the session is with this very thread.
      session.post('Profiler.takePreciseCoverage', (_error, { result }) => {
        for (const script of result) if (script.url.includes('/src/')) addBlocks(script, ran);
      });
      return ran;
    },
    close: () => {
      session.post('Profiler.stopPreciseCoverage');
      session.disconnect();
    },
  };
}

function addBlocks({ url, functions }: Profiler.ScriptCoverage, ran: Set<string>): void {
  for (const { ranges } of functions) {
    for (const { startOffset, endOffset, count } of ranges) {
      if (count > 0) ran.add(`${url}:${startOffset}:${endOffset}`);
    }
  }
}
