/** From a path of the configuration to its place in what was written: through short forms, `x_file` and `defaults`. */

import type { ConfigurationPath, PathLocator, Position } from '../problem.ts';
import type { Located } from './document.ts';

export interface TreeLocator extends PathLocator {
  /** The tree to look in; until then everything is at the beginning of the file. */
  setRoot(root: Located): void;
  /** The value of `key` of `object` came from a file of its own. */
  graft(object: Located, key: string, tree: Located): void;
  /** `filled` stands in the place of `written`: a preset filled what is not written there. */
  standIn(written: Located, filled: Located): void;
  /** Whether something stands at the path itself. What a preset filled does not. */
  isWritten(path: ConfigurationPath): boolean;
}

/** A locator for one policy file, as `file` is to be called in problems. */
export function createLocator(file: string): TreeLocator {
  let root: Located | null = null;
  const grafts = new WeakMap<Located, Map<string, Located>>();
  const standIns = new WeakMap<Located, Located>();
  function walk(path: ConfigurationPath): Walked {
    const nowhere = { path: [], complete: false, secret: null };
    if (root === null) return { ...nowhere, position: { file, line: 1, column: 1 } };
    const spelt = asWritten(root, path);
    const consumed: (string | number)[] = [];
    let current: Located = root;
    let written = true;
    for (const step of spelt) {
      const next = stepInto(current, step, grafts);
      if (next === null)
        return { position: current.at, path: consumed, complete: false, secret: secretOf(current) };
      if (next.spelt !== null) consumed.push(next.spelt);
      written &&= next.filled !== true;
      current = standIns.get(next.value) ?? next.value;
    }
    return { position: current.at, path: consumed, complete: written, secret: secretOf(current) };
  }
  return {
    locate: walk,
    isWritten: (path) => walk(path).complete,
    setRoot(tree) {
      root = tree;
    },
    graft(object, key, tree) {
      const known = grafts.get(object) ?? new Map<string, Located>();
      grafts.set(object, known.set(key, tree));
    },
    standIn(object, filled) {
      standIns.set(object, filled);
    },
  };
}

interface Walked {
  readonly position: Position;
  readonly path: ConfigurationPath;
  readonly complete: boolean;
  readonly secret: string | null;
}

/** Text that no message may repeat. */
function secretOf(located: Located): string | null {
  return located.kind === 'scalar' && located.sensitive ? String(located.value ?? '') : null;
}

interface Step {
  readonly value: Located;
  /** Null when the step is implied by a short form. */
  readonly spelt: string | number | null;
  /** A preset says so. */
  readonly filled?: boolean;
}

function stepInto(
  current: Located,
  step: string | number,
  grafts: WeakMap<Located, Map<string, Located>>,
): Step | null {
  if (current.kind === 'scalar') return null;
  if (current.kind === 'list') {
    if (typeof step === 'string') return { value: current, spelt: null };
    const item = current.items[step];
    return item === undefined ? null : { value: item, spelt: step };
  }
  if (typeof step === 'number') return step === 0 ? { value: current, spelt: null } : null;
  const entry = current.entries.get(step);
  if (entry) {
    return { value: entry.value, spelt: entry.implied === true ? null : step, filled: entry.filled === true };
  }
  const grafted = grafts.get(current)?.get(step);
  if (grafted) return { value: grafted, spelt: step };
  const named = current.entries.get(`${step}_file`);
  return named ? { value: named.value, spelt: `${step}_file` } : null;
}

/** `upstreams.default` may be written `upstream`, and a key of a route may come from `defaults`. */
function asWritten(root: Located, path: ConfigurationPath): ConfigurationPath {
  const [first, second, third, ...rest] = path;
  if (first === 'upstreams' && second === 'default') {
    const written = child(child(root, 'upstreams'), 'default');
    return written === null && child(root, 'upstream') ? ['upstream', ...path.slice(2)] : path;
  }
  if (first !== 'routes' || typeof third !== 'string' || second === undefined) return path;
  const route = child(child(root, 'routes'), second);
  const inherits = child(route, third) === null && child(child(root, 'defaults'), third) !== null;
  return inherits ? ['defaults', third, ...rest] : path;
}

function child(located: Located | null, step: string | number): Located | null {
  if (located?.kind === 'map' && typeof step === 'string') return located.entries.get(step)?.value ?? null;
  if (located?.kind === 'list' && typeof step === 'number') return located.items[step] ?? null;
  return null;
}
