/** The software bill of materials: what is inside the built file, as CycloneDX 1.6 (ECMA-424). The same for the same build. */
import type { BundledPackage } from './bundled-packages.ts';

/** The project itself, as package.json has it. */
export interface Product {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
}

/** `integrity` of each package by its path, as package-lock.json has it. */
export type Lock = Readonly<Record<string, { readonly integrity?: string }>>;

/** One JSON document. @throws for a package that the lock file does not know */
export function billOfMaterials(product: Product, packages: readonly BundledPackage[], lock: Lock): string {
  const root = purlOf(product.name, product.version);
  const components = packages.map((each) => {
    const integrity = lock[each.path]?.integrity;
    if (integrity === undefined) throw new Error(`${each.path} is not in package-lock.json`);
    const purl = purlOf(each.name, each.version);
    return {
      type: 'library',
      'bom-ref': purl,
      name: each.name,
      version: each.version,
      scope: 'required',
      hashes: [hashOf(integrity)],
      licenses: [licenceOf(each.licence)],
      purl,
    };
  });
  const document = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': root,
        name: product.name,
        version: product.version,
        description: product.description,
        licenses: [licenceOf(product.license)],
        purl: root,
      },
    },
    components,
    dependencies: [{ ref: root, dependsOn: components.map((component) => component['bom-ref']) }],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Package URL of the npm registry (ECMA-427). */
function purlOf(name: string, version: string): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

function licenceOf(expression: string): object {
  return /^\(/.test(expression) ? { expression } : { license: { id: expression } };
}

/** Subresource integrity, `sha512-BASE64`, as CycloneDX writes it. */
function hashOf(integrity: string): { alg: string; content: string } {
  const [, length = '', digest = ''] = /^sha(\d+)-(\S+)/.exec(integrity) ?? [];
  return { alg: `SHA-${length}`, content: Buffer.from(digest, 'base64').toString('hex') };
}
