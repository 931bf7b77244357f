/** Writes the golden record into a folder: see README.md. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { recordCommands } from './commands.ts';
import { recordPolicies } from './policies.ts';
import { recordRequests } from './requests.ts';

const MUTATIONS = 5_000;
const REQUESTS = 2_000;

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = process.argv[2];
if (folder === undefined) {
  process.stderr.write('usage: node test/golden/record.ts FOLDER\n');
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'policies.txt'), await recordPolicies(MUTATIONS));
writeFileSync(join(folder, 'commands.txt'), await recordCommands());
writeFileSync(join(folder, 'requests.txt'), await recordRequests(REQUESTS));
for (const [from, to] of [
  ['config/sallyport.schema.json', 'schema.json'],
  ['config/sallyport.reference.yaml', 'reference.yaml'],
  ['docs/configuration.md', 'configuration.md'],
] as const) {
  copyFileSync(join(root, from), join(folder, to));
}
