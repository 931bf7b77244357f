/** The golden record's one way into the source: everything else goes through the command line and sockets. */
import { loadPolicy } from '../../src/policy/load-policy.ts';
import { formatProblem } from '../../src/policy/problem.ts';

/** The clock of every load: 2026-06-01. */
const NOW = Date.UTC(2026, 5, 1);

/** How a text is loaded. */
export interface LoadMode {
  readonly detached: boolean;
  readonly development: boolean;
}

/** Loads a text as /policy/sallyport.yaml, with no other file and no variable. @returns a line for each finding */
export async function findingsOf(text: string, mode: LoadMode): Promise<readonly string[]> {
  const loaded = await loadPolicy({
    file: '/policy/sallyport.yaml',
    text,
    environment: {},
    readFile: (path) => {
      throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' });
    },
    now: NOW,
    ...mode,
  });
  const problems = loaded.ok ? [] : loaded.problems;
  return [
    loaded.ok ? 'good' : 'refused',
    ...problems.map(formatProblem),
    ...loaded.warnings.map((warning) => `warning ${formatProblem(warning)}`),
  ];
}
