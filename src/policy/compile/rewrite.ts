/** `routes[].rewrite`: the path for the upstream. Cuts whole segments and never lets a part of the path vanish. */
import { encodeSegment } from '../../wire/encode-segment.ts';
import type { PathPattern, PathSegment } from '../patterns.ts';
import { parsePathPattern } from '../patterns.ts';
import type { Rewrite } from '../policy.ts';
import type { ConfigurationPath } from '../problem.ts';
import type { RewriteConfiguration } from '../schema/routes.ts';
import type { CompileContext } from './context.ts';

/** Compiles the block for one path of the route; null when there is none, or after a report. */
export function compileRewrite(
  rewrite: RewriteConfiguration | null | undefined,
  pattern: PathPattern,
  path: ConfigurationPath,
  context: CompileContext,
): Rewrite | null {
  if (rewrite === null || rewrite === undefined) return null;
  const { path: template, strip_prefix, add_prefix } = rewrite;
  if (template !== undefined) {
    if (strip_prefix !== undefined || add_prefix !== undefined) {
      const message = 'path is the whole path and stands alone; remove strip_prefix and add_prefix';
      context.problems.report(path, 'rewrite_contradicts', message);
    }
    return compileTemplate(template, pattern, [...path, 'path'], context);
  }
  if (strip_prefix === undefined && add_prefix === undefined) {
    const message = 'says nothing; write strip_prefix, add_prefix or path, or remove it';
    context.problems.report(path, 'rewrite_empty', message);
    return null;
  }
  const strip = compileStripped(strip_prefix, pattern, [...path, 'strip_prefix'], context);
  const add = compileAdded(add_prefix, [...path, 'add_prefix'], context);
  return strip === null || add === null ? null : { kind: 'prefix', strip, add };
}

/** Number of segments to cut. */
function compileStripped(
  text: string | undefined,
  route: PathPattern,
  path: ConfigurationPath,
  context: CompileContext,
): number | null {
  if (text === undefined) return 0;
  const prefix = parseHere(text, path, context);
  if (prefix === null) return null;
  const isPrefix =
    !prefix.rest && prefix.segments.every((segment, index) => isSame(segment, route.segments[index]));
  if (isPrefix) return prefix.segments.length;
  const message = `"${text}" is not how every path of ${route.text} begins; write its first segments, as they stand there`;
  context.problems.report(path, 'strip_prefix_mismatch', message);
  return null;
}

function isSame(one: PathSegment, other: PathSegment | undefined): boolean {
  if (one.kind === 'literal') return other?.kind === 'literal' && other.text === one.text;
  return other?.kind === 'parameter' && other.name === one.name;
}

/** Canonical text without final slash; '' for none. */
function compileAdded(
  text: string | undefined,
  path: ConfigurationPath,
  context: CompileContext,
): string | null {
  if (text === undefined) return '';
  const added = parseHere(text, path, context);
  if (added === null) return null;
  const literals = added.segments.flatMap((segment) => (segment.kind === 'literal' ? [segment.text] : []));
  if (!added.rest && literals.length === added.segments.length) {
    return literals.map((literal) => `/${encodeSegment(literal)}`).join('');
  }
  const message = 'must be plain text; for parameters write "rewrite: {path: ...}"';
  context.problems.report(path, 'add_prefix_not_plain', message);
  return null;
}

function compileTemplate(
  text: string,
  route: PathPattern,
  path: ConfigurationPath,
  context: CompileContext,
): Rewrite | null {
  const template = parseHere(text, path, context);
  if (template === null) return null;
  const named = template.segments.flatMap((segment) => (segment.kind === 'parameter' ? [segment.name] : []));
  const rest = template.rest ? (template.parameterNames[named.length] ?? null) : null;
  const fault = templateFault(named, { isOpen: template.rest, name: rest }, route);
  if (fault !== null) {
    context.problems.report(path, fault.code, fault.message);
    return null;
  }
  const parts: (string | { readonly parameter: string })[] = [];
  let literal = '';
  for (const segment of template.segments) {
    literal += '/';
    if (segment.kind === 'literal') literal += encodeSegment(segment.text);
    else {
      parts.push(literal, { parameter: segment.name });
      literal = '';
    }
  }
  if (rest !== null) parts.push(`${literal}/`, { parameter: rest });
  else if (literal !== '' || parts.length === 0) parts.push(literal === '' ? '/' : literal);
  return { kind: 'template', parts };
}

interface TemplateFault {
  readonly code: string;
  readonly message: string;
}

interface TemplateRest {
  readonly isOpen: boolean;
  readonly name: string | null;
}

/** Why a template does not fit its route. */
function templateFault(
  named: readonly string[],
  rest: TemplateRest,
  route: PathPattern,
): TemplateFault | null {
  const single = route.segments.flatMap((segment) => (segment.kind === 'parameter' ? [segment.name] : []));
  const routeRest = route.rest ? (route.parameterNames[single.length] ?? null) : null;
  const unknown = named.find((name) => !single.includes(name));
  if (unknown === undefined) return restFault(rest, { route, single, rest: routeRest });
  const advice = unknown === routeRest ? `write {${unknown}...}` : `${route.text} has ${listed(route)}`;
  return { code: 'unknown_parameter', message: `{${unknown}} is no segment of the route's path; ${advice}` };
}

interface RouteParameters {
  readonly route: PathPattern;
  readonly single: readonly string[];
  readonly rest: string | null;
}

function restFault(rest: TemplateRest, { route, single, rest: own }: RouteParameters): TemplateFault | null {
  if (rest.isOpen && rest.name === null) {
    const message = '"**" has no name here; write {rest...} in the path of the route and here';
    return { code: 'rest_unnamed', message };
  }
  if (rest.name !== null) {
    if (rest.name === own) return null;
    const advice = single.includes(rest.name) ? `write {${rest.name}}` : `${route.text} has ${listed(route)}`;
    return {
      code: 'unknown_parameter',
      message: `{${rest.name}...} is no rest of the route's path; ${advice}`,
    };
  }
  if (!route.rest) return null;
  const advice =
    own === null
      ? 'write {rest...} instead of "**" there, and here at the end'
      : `write {${own}...} at the end`;
  return { code: 'rest_lost', message: `every path below ${route.text} would become one; ${advice}` };
}

function listed(route: PathPattern): string {
  return route.parameterNames.length === 0 ? 'no parameters' : route.parameterNames.join(', ');
}

function parseHere(text: string, path: ConfigurationPath, context: CompileContext): PathPattern | null {
  const pattern = parsePathPattern(text);
  if (pattern.ok) return pattern.pattern;
  context.problems.report(path, pattern.code, pattern.message);
  return null;
}
