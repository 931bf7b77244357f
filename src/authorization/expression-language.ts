/**
 * What may be named in a `when`: its variables, the fields of `request`, and the functions of CEL that are
 * offered, with the types that are known before any request came.
 */

/** What is known of a value when the policy is read; `dyn` is nothing. */
export type StaticType =
  | 'bool'
  | 'string'
  | 'int'
  | 'uint'
  | 'double'
  | 'bytes'
  | 'null'
  | 'list'
  | 'map'
  | 'timestamp'
  | 'duration'
  | 'type'
  | 'dyn';

/** Every variable; those of an anonymous caller are empty. */
export const VARIABLES: ReadonlyMap<string, StaticType> = new Map<string, StaticType>([
  ['anonymous', 'bool'],
  ['source', 'string'],
  ['kind', 'string'],
  ['subject', 'string'],
  ['issuer', 'string'],
  ['client', 'string'],
  ['scopes', 'list'],
  ['roles', 'list'],
  ['claims', 'map'],
  ['path', 'map'],
  ['request', 'map'],
  ['now', 'timestamp'],
]);

/** Fields of `request`. */
export const REQUEST_FIELDS: ReadonlyMap<string, StaticType> = new Map<string, StaticType>([
  ['method', 'string'],
  ['host', 'string'],
  ['path', 'string'],
  ['query', 'map'],
  ['headers', 'map'],
]);

/** Fields that are never among the headers that an expression sees. */
export const CREDENTIAL_FIELDS: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'dpop',
]);

/** Names that newcomers try, and what they mean here. */
export const OFTEN_MEANT: ReadonlyMap<string, string> = new Map([
  ['headers', 'request.headers'],
  ['query', 'request.query'],
  ['method', 'request.method'],
  ['host', 'request.host'],
  ['params', 'path'],
  ['sub', 'subject'],
  ['iss', 'issuer'],
  ['scope', 'scopes'],
  ['role', 'roles'],
  ['jwt', 'claims'],
  ['token', 'claims'],
  ['user', 'subject'],
]);

/** Names of types, for `type(x) == string`. */
export const TYPE_NAMES: ReadonlySet<string> = new Set([
  'int',
  'uint',
  'double',
  'bool',
  'string',
  'bytes',
  'list',
  'map',
  'null_type',
  'type',
]);

/** Written like calls and expanded by the parser; met as a call they were written wrongly. */
export const MACROS: ReadonlyMap<string, string> = new Map([
  ['has', 'has() takes a member, as in has(claims.tenant)'],
  ['all', 'all() takes a name and a condition, as in claims.groups.all(group, group.startsWith("team-"))'],
  ['exists', 'exists() takes a name and a condition, as in claims.groups.exists(group, group == "staff")'],
  ['exists_one', 'exists_one() takes a name and a condition, as in exists() and all()'],
  ['map', 'map() takes a name and an expression, as in claims.groups.map(group, group + "@example")'],
  ['filter', 'filter() takes a name and a condition, as in claims.groups.filter(group, group != "all")'],
]);

/** How a function may be called and what comes out. */
export interface FunctionShape {
  /** Numbers of arguments as `f(x)`; empty when it is a method only. */
  readonly call: readonly number[];
  /** Numbers of arguments as `target.f(x)`; empty when it is no method. */
  readonly method: readonly number[];
  /** Types that its subject (target or first argument) may have; empty for any. */
  readonly on: readonly StaticType[];
  readonly returns: StaticType;
}

const STRING_TEST: FunctionShape = { call: [], method: [1], on: ['string'], returns: 'bool' };
const TIME_PART: FunctionShape = { call: [], method: [0, 1], on: ['timestamp', 'duration'], returns: 'int' };

function conversion(returns: StaticType, on: readonly StaticType[]): FunctionShape {
  return { call: [1], method: [], on, returns };
}

/** The functions of the CEL standard library that an expression may call. */
export const FUNCTIONS: ReadonlyMap<string, FunctionShape> = new Map<string, FunctionShape>([
  ['size', { call: [1], method: [0], on: ['string', 'bytes', 'list', 'map'], returns: 'int' }],
  ['contains', STRING_TEST],
  ['startsWith', STRING_TEST],
  ['endsWith', STRING_TEST],
  ['matches', STRING_TEST],
  ['int', conversion('int', ['int', 'uint', 'double', 'string', 'timestamp', 'duration'])],
  ['uint', conversion('uint', ['int', 'uint', 'double', 'string'])],
  ['double', conversion('double', ['int', 'uint', 'double', 'string'])],
  ['bool', conversion('bool', ['bool', 'string'])],
  ['string', conversion('string', [])],
  ['bytes', conversion('bytes', ['bytes', 'string'])],
  ['timestamp', conversion('timestamp', ['timestamp', 'string', 'int'])],
  ['duration', conversion('duration', ['duration', 'string', 'int'])],
  ['type', conversion('type', [])],
  ['dyn', conversion('dyn', [])],
  ['getFullYear', TIME_PART],
  ['getMonth', TIME_PART],
  ['getDate', TIME_PART],
  ['getDayOfMonth', TIME_PART],
  ['getDayOfWeek', TIME_PART],
  ['getDayOfYear', TIME_PART],
  ['getHours', TIME_PART],
  ['getMinutes', TIME_PART],
  ['getSeconds', TIME_PART],
  ['getMilliseconds', TIME_PART],
]);
