/** How development issuers are known by their name alone. */

/** Path of every development issuer; `run` refuses an issuer that ends in it. */
export const ISSUER_PATH = '/sallyport-development';

/** The port of the development issuer unless told otherwise; `token` asks there. */
export const USUAL_ISSUER_PORT = 9902;

/** Where its keys are as a SPIFFE bundle, below the issuer's path. */
export const SPIFFE_BUNDLE = '/spiffe-bundle';
