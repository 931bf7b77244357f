/** The packages whose files went into a bundle: what they are, and their licences, as the notices and the SBOM tell them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

/** Licences that let us hand their code on with a notice. */
const ACCEPTED: ReadonlySet<string> = new Set([
  'MIT',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  '(Apache-2.0 AND BSD-3-Clause)',
]);

/**
 * Packages that ship no text of their licence, each looked at once, and the SPDX expression that it was found under. They
 * get the standard text, below the copyright that the head of their files, or `author` of their package.json, names.
 */
const WITHOUT_TEXT: Readonly<Record<string, string>> = {
  '@bufbuild/cel': 'Apache-2.0',
  '@bufbuild/cel-spec': 'Apache-2.0',
  '@bufbuild/protobuf': '(Apache-2.0 AND BSD-3-Clause)',
  'abstract-logging': 'MIT',
};

/** A package of the bundle. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression. */
  readonly licence: string;
  /** Its texts, with the copyright; never empty. */
  readonly licenceText: string;
  /** Below the root of the project: `node_modules/jose`. */
  readonly path: string;
}

/**
 * All of them, each version once, in order of path.
 * @param root of the project
 * @throws for a licence that is not accepted, or whose text is nowhere
 */
export function bundledPackages(root: string, { outputs }: Metafile): readonly BundledPackage[] {
  const inputs = Object.values(outputs).flatMap((output) => Object.keys(output.inputs));
  const files = Map.groupBy(inputs, (input) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0]);
  const packages = [...files]
    .filter((entry): entry is [string, string[]] => entry[0] !== undefined)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([path, inside]) => bundledPackage(root, path, inside));
  // npm may have installed the same one at several places.
  return [...new Map(packages.map((each) => [`${each.name} ${each.version}`, each])).values()];
}

function bundledPackage(root: string, path: string, inside: readonly string[]): BundledPackage {
  const manifest: { name: string; version: string; license?: string; author?: string | { name: string } } =
    JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'));
  const { name, version, license: licence = 'none', author } = manifest;
  if (!ACCEPTED.has(licence)) throw new Error(`${name} is under ${licence}: look at it and accept it here`);
  const holder = typeof author === 'object' ? author.name : (author ?? '').replace(/ <.*/, '');
  const own = filesNamed(join(root, path), /^(?:licen[cs]e|copying)/i);
  const text =
    own === '' && WITHOUT_TEXT[name] === licence
      ? standardText(root, licence, { headers: headersOf(root, inside), holder })
      : own;
  if (text === '')
    throw new Error(
      `${name} (${licence}) ships no text of its licence: look at it, and add it to WITHOUT_TEXT in scripts/bundled-packages.ts`,
    );
  const licenceText = [text, filesNamed(join(root, path), /^notice/i)].join('\n\n').trim();
  return { name, version, licence, licenceText, path };
}

/** The texts of the files of a package whose names match; empty where there is none. */
function filesNamed(folder: string, pattern: RegExp): string {
  const names = readdirSync(folder).filter((name) => pattern.test(name));
  return names
    .map((name) => readFileSync(join(folder, name), 'utf8').trim())
    .join('\n\n')
    .trim();
}

/** What is known of a package without a file of its licence. */
interface Holders {
  readonly headers: readonly string[];
  readonly holder: string;
}

/** The standard text under the copyright that its files, or its manifest, name; empty where neither does. */
function standardText(root: string, licence: string, { headers, holder }: Holders): string {
  const own = headers.join('\n\n');
  if (licence === 'MIT' && holder !== '') {
    return `Copyright (c) ${holder}\n\n${readFileSync(join(root, 'scripts/licence-mit.txt'), 'utf8').trim()}`;
  }
  const apache = () => readFileSync(join(root, 'LICENSE'), 'utf8').trim();
  if (licence === 'Apache-2.0' && own !== '') return `${own}\n\n${apache()}`;
  // The files under BSD-3-Clause have its text at their head.
  if (licence === '(Apache-2.0 AND BSD-3-Clause)' && own.includes('Redistribution and use')) {
    return `${own}\n\n${apache()}`;
  }
  return '';
}

/** The different comments about copyright at the head of files, in order. */
function headersOf(root: string, files: readonly string[]): readonly string[] {
  const heads = files.map(
    (file) => /^(?:\/\/[^\n]*\n)+/.exec(readFileSync(join(root, file), 'utf8'))?.[0] ?? '',
  );
  const told = heads.filter((head) => head.includes('Copyright'));
  return [...new Set(told)].toSorted().map((head) => head.replace(/^\/\/ ?/gm, '').trim());
}
