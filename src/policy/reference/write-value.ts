/** Values of the schema as one writes them in a file, for the reference and the documentation. */
import { stringify } from 'yaml';

/** A value on one line of YAML. */
export function writeValue(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: false }).trimEnd();
}
