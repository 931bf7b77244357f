/**
 * Reads the networks whose X-Forwarded-* are believed. Refuses what would believe everybody, also by way of
 * IPv4-mapped IPv6 addresses, which a listener of both families sees for every IPv4 peer (RFC 4291 section 2.5.5.2).
 */
import { BlockList, isIP } from 'node:net';
import { type Parsed, parsed, unparsed } from './parsed.ts';

/** One network, in the family whose addresses it holds. */
export interface Network {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** Number of bits before the IPv4 address in an IPv4-mapped one. */
const mappedPrefix = 96;

/** Reads `10.0.0.0/8`, `fd00::/8` or one address. Bits after the prefix must be zero. */
export function parseNetwork(text: string): Parsed<Network> {
  const [address = '', digits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || address.includes('%') || rest.length > 0) {
    return unparsed(`"${text}" is not a network; write e.g. 10.0.0.0/8, fd00::/8 or one address`);
  }
  const bits = version === 4 ? 32 : 128;
  const prefix = digits === undefined ? bits : parsePrefix(digits, bits);
  if (prefix === null) return unparsed(`the prefix of "${text}" must be a number from 1 to ${bits}`);
  const value = version === 4 ? ipv4Value(address) : ipv6Value(address);
  if (prefix === 0 || (version === 6 && coversMapped(value, prefix))) {
    return unparsed(`"${text}" would believe every client; write only the addresses of your own proxies`);
  }
  return version === 4 ? ipv4Network(value, prefix, text) : ipv6Network(value, prefix, text);
}

function parsePrefix(digits: string, bits: number): number | null {
  return /^\d{1,3}$/.test(digits) && Number(digits) <= bits ? Number(digits) : null;
}

/** A list for `BlockList.check`, which compares IPv4-mapped peers as IPv4. */
export function networkList(networks: readonly Network[]): BlockList {
  const list = new BlockList();
  for (const { address, prefix, family } of networks) list.addSubnet(address, prefix, family);
  return list;
}

const mappedBase = 0xffffn << 32n;

/** Whether ::ffff:0:0/96, which is all of IPv4, lies inside. */
function coversMapped(value: bigint, prefix: number): boolean {
  return prefix <= mappedPrefix && value >> BigInt(128 - prefix) === mappedBase >> BigInt(128 - prefix);
}

function ipv6Network(value: bigint, prefix: number, text: string): Parsed<Network> {
  const isMapped = prefix > mappedPrefix && value >> 32n === 0xffffn;
  if (isMapped) return ipv4Network(value & 0xffffffffn, prefix - mappedPrefix, text);
  const network = (value >> BigInt(128 - prefix)) << BigInt(128 - prefix);
  if (network !== value) return hasHostBits(text, ipv6Text(network), prefix);
  return parsed({ address: ipv6Text(network), prefix, family: 'ipv6' });
}

function ipv4Network(value: bigint, prefix: number, text: string): Parsed<Network> {
  const network = (value >> BigInt(32 - prefix)) << BigInt(32 - prefix);
  if (network !== value) return hasHostBits(text, ipv4Text(network), prefix);
  return parsed({ address: ipv4Text(network), prefix, family: 'ipv4' });
}

function hasHostBits(text: string, network: string, prefix: number): Parsed<Network> {
  return unparsed(
    `"${text}" has bits after its prefix; write ${network}/${prefix}, or the one address without "/"`,
  );
}

function ipv4Value(address: string): bigint {
  return address.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function ipv4Text(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
}

function ipv6Value(address: string): bigint {
  // The URL parser writes an embedded IPv4 part as two groups.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = new Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after].reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

function ipv6Text(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) => (value >> BigInt(112 - index * 16)) & 0xffffn);
  const address = groups.map((group) => group.toString(16)).join(':');
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}
