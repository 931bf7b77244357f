/**
 * The health check of the container image, a file of its own (`dist/healthcheck.mjs`): the whole program takes several
 * times its CPU and memory to be loaded. Asks what the running gateway says is its admin listener whether it lives, or
 * with `--ready` whether it is ready, and exits with 0 or 1.
 */
import { announcedAdmin } from './announce-admin.ts';
import { askAdmin, describeOutcome, USUAL_ADMIN, USUAL_TIMEOUT } from './ask-admin.ts';

const path = process.argv.includes('--ready') ? '/readyz' : '/livez';
const address = announcedAdmin(process.env) ?? process.env.SALLYPORT_ADMIN ?? USUAL_ADMIN;
const outcome = address === 'none' ? 'none' : await askAdmin(address, path, USUAL_TIMEOUT);
if (outcome !== 200) {
  process.stderr.write(`sallyport: ${describeOutcome(address, path, outcome)}\n`);
  process.exitCode = 1;
}
