/** What single providers need, known from the preset or the profile. Refuses what could never let anybody in, or lets in too many. */
import type { ConfigurationPath } from '../problem.ts';
import type { ClaimMatcher, ClaimRequirement } from '../requirements.ts';
import type { IssuerConfiguration } from '../schema/issuers.ts';
import { KEY_SOURCES } from '../schema/key-sources.ts';
import type { CompileContext } from './context.ts';

/** Reports `issuer_slash` and `alb_signer`. */
export function checkProvider(
  issuer: IssuerConfiguration,
  requireHeader: readonly ClaimRequirement[],
  path: ConfigurationPath,
  context: CompileContext,
): void {
  if (issuer.preset === 'auth0') checkFinalSlash(issuer.issuer ?? [], path, context);
  if (isBalancer(issuer)) checkSigner(requireHeader, path, context);
}

function isBalancer({ preset, profile }: IssuerConfiguration): boolean {
  return preset === 'aws_alb' || profile === 'aws_alb';
}

function checkFinalSlash(issuers: readonly string[], path: ConfigurationPath, context: CompileContext): void {
  for (const [index, issuer] of issuers.entries()) {
    if (issuer.endsWith('/') || issuer !== issuer.trim()) continue;
    const message = `must end with "/", as in the tokens of Auth0: ${issuer}/`;
    context.problems.report([...path, 'issuer', index], 'issuer_slash', message);
  }
}

/** As far as the account: whoever owns it made the load balancer. */
const ACCOUNT = /^arn:[\w-]+:elasticloadbalancing:[\w-]+:\d{12}:/;

function namesBalancer(matcher: ClaimMatcher): boolean {
  if (matcher.op === 'starts_with') return ACCOUNT.test(matcher.value);
  return matcher.op === 'equals' || matcher.op === 'in';
}

/** The keys of load balancers are those of a whole region: without its name anybody's balancer would do. */
function checkSigner(
  requireHeader: readonly ClaimRequirement[],
  path: ConfigurationPath,
  context: CompileContext,
): void {
  const signer = requireHeader.find(({ name }) => name === 'signer' || name === '/signer');
  if (signer?.matchers.some(namesBalancer)) return;
  if (context.detached && context.isWritten([...path, 'require_header', 'signer'])) return;
  const message =
    'must name the load balancer, or one of anybody in this region would do: require_header: {signer: ARN}';
  context.problems.report([...path, 'require_header', 'signer'], 'alb_signer', message);
}

/**
 * Whether keys may be looked for. Trust domains and load balancers do not publish theirs through the metadata of
 * the issuer: discovery would find nothing, or the keys of somebody else.
 */
export function hasKeySource(
  issuer: IssuerConfiguration,
  path: ConfigurationPath,
  context: CompileContext,
): boolean {
  const isSpiffe = issuer.profile === 'spiffe';
  if (!isSpiffe && !isBalancer(issuer)) return true;
  if (KEY_SOURCES.some((name) => context.isWritten([...path, name]))) return true;
  if (KEY_SOURCES.some((name) => context.isMisspelt([...path, name]))) return false;
  const advice = isSpiffe
    ? 'jwks_uri with the address of the bundle endpoint, or jwks_file'
    : 'key_uri, e.g. https://public-keys.auth.elb.eu-west-1.amazonaws.com/{kid}';
  context.problems.report(path, 'key_source_missing', `does not say where its keys are; write ${advice}`);
  return false;
}
