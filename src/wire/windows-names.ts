/**
 * What a path names to an upstream on Windows, whose file names end before dots and spaces and may be followed by a stream
 * and its type (`admin.`, `admin%20`, `admin::$DATA`). Knows nothing of short names (`ADMINI~1`): only the disk does.
 */

/**
 * The segments as such an upstream reads them; the same array when it reads them as they stand, and null for what nobody
 * can tell, such as a segment of dots and spaces alone.
 */
export function windowsReading(segments: readonly string[]): readonly string[] | null {
  if (!segments.some(endsEarlier)) return segments;
  const names = segments.map((segment) => (endsEarlier(segment) ? nameIn(segment) : segment));
  return names.some((name, index) => name === '' && segments[index] !== '') ? null : names;
}

/** A colon alone is an ordinary character of paths (`/orders:cancel`); types of streams begin with `$`. */
function endsEarlier(segment: string): boolean {
  return segment.endsWith('.') || segment.endsWith(' ') || segment.includes(':$');
}

function nameIn(segment: string): string {
  const [name = ''] = segment.includes(':$') ? segment.split(':', 1) : [segment];
  let end = name.length;
  while (end > 0 && (name.charAt(end - 1) === '.' || name.charAt(end - 1) === ' ')) end -= 1;
  return name.slice(0, end);
}
