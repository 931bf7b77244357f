/**
 * Notations by which other routers and template tools write parameters and patterns. Taken as literals they would load, match
 * nothing that was meant, and leave real requests to a looser route beside them: so each is refused with our spelling.
 */

/** Path names of OData (OASIS OData 4.01 URL conventions, sections 4 and 5), which begin with a dollar sign. */
const ODATA = /^\$(?:all|apply|batch|count|crossjoin|entity|filter|links|metadata|query|ref|value)(?:$|\()/;

/** How a variable of the environment is written. */
const VARIABLE = '$' + '{VARIABLE}';

/** What a segment looks like, and why it is not taken; the first that fits counts. */
const NOTATIONS: readonly (readonly [RegExp, (part: string) => string])[] = [
  [/^\{\{|\}\}$/, () => `is a template that nothing has filled in; write the value, or ${VARIABLE}`],
  [
    /^\{\*{1,2}(\w+)\}$|^\{(\w+)(?:\*|:\.\*|:\*\*?|=\*\*?)\}$/,
    (part) => `is no rest of a path here; write {${nameIn(part)}...} as the last segment`,
  ],
  [
    /^\{\w+(?:\?|[:=].*)\}$/,
    (part) => `asks for a form, which no parameter does here; write {${nameIn(part)}}`,
  ],
  [
    /(?:^|[-.~_@,;:(])[:][A-Za-z_]|^@@\w+@@$/,
    (part) =>
      `is no parameter here; write {${nameIn(part)}} as a whole segment, and %3A for a colon that is meant`,
  ],
  [
    /[<>]/,
    (part) =>
      `is no parameter here; write {${nameIn(part)}} as a whole segment, and %3C, %3E for the characters themselves`,
  ],
  [
    /[[\]]/,
    (part) =>
      `is no ${/\.\.\.|^\[\w+\]$/.test(part) ? 'parameter' : 'set of characters'} here; write {${nameIn(part)}${part.includes('...') ? '...' : ''}} as a whole segment, and %5B, %5D for the characters themselves`,
  ],
  [/%\(\w+\)/, (part) => `is no variable here; write {${nameIn(part)}} for a parameter, or ${VARIABLE}`],
  [
    /^\$(?![$(]).*[\w]$|^\$\w+$/,
    (part) =>
      ODATA.test(part)
        ? ''
        : `is no parameter or variable here; write {${nameIn(part)}}, ${VARIABLE}, or %24 for a dollar sign that is meant`,
  ],
  [
    /^\(.*\)[?*+]?$|^\^|\$$|\\[dwsDWS]|\.[*+]|\(\?|\([^)]*\||\|/,
    () =>
      'is a regular expression, which no path is here; write {name} for one segment, {name...} for the rest',
  ],
];

/** Why a segment is not taken for a literal, and what to write; null where it can be one. */
export function foreignNotation(part: string): string | null {
  const message = NOTATIONS.find(([notation]) => notation.test(part))?.[1](part) ?? '';
  const shown = part.length <= 80 ? part : `${part.slice(0, 80)}...`;
  return message === '' ? null : `"${shown}" ${message}`;
}

/** The name that was meant, in letters that a parameter may have. */
function nameIn(part: string): string {
  const inner = /[:<]([A-Za-z]\w*)[>?(]?|([A-Za-z_]\w*)/.exec(
    part.replace(/<(?:int|string|path|uuid|float|slug):/, '<'),
  );
  return inner?.[1] ?? inner?.[2] ?? 'name';
}

/**
 * Marks of values that a template tool, a shell or a person was to fill in. None can be part of an address, an issuer, an
 * audience, a scope or another name.
 */
const PLACEHOLDERS: readonly RegExp[] = [
  /\{\{.*\}\}/s,
  /%\([A-Za-z_]\w*\)[sd]?/,
  /(?:^|[/:.@=])\$[A-Z_][A-Z0-9_]*(?:$|[/:.@])/,
  /\$\([A-Za-z_][\w.]*\)/,
  /<[A-Za-z][\w .-]*>/,
  /(?:^|[/:.@])%[A-Z][A-Z0-9_]{2,}%(?:$|[/:.])/,
  /@@\w+@@/,
];

/** A whole value of which nothing was filled in: a secret may hold any of the others by chance, but be none of these. */
const WHOLLY =
  /^(?:\{\{.*\}\}|\$\(?[A-Z_][A-Z0-9_]*\)?|%\(\w+\)[sd]?|<[A-Za-z][\w .-]*>|%[A-Z][A-Z0-9_]{2,}%|@@\w+@@|(?:replace|change)[-_ ]?me)$/is;

/**
 * Whether something in a text was to be filled in, and was not.
 * @param verbatim any text may be meant, so that only a whole placeholder counts
 */
export function hasPlaceholder(text: string, verbatim = false): boolean {
  return WHOLLY.test(text) || (!verbatim && PLACEHOLDERS.some((placeholder) => placeholder.test(text)));
}
