/** Refuses a Node on which the gate would not be whole. */

/**
 * Why this Node will not do, or null. Before 24.9 an `Upgrade` other than WebSocket cannot be taken for the plain
 * request that it is (`shouldUpgradeCallback` of node:http); 25 has ended.
 * @param version as in `process.versions.node`
 */
export function unsupportedNode(version: string): string | null {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major >= 26 || (major === 24 && minor >= 9)) return null;
  return `Node ${version} will not do; sallyport needs ^24.9.0 or >=26`;
}
