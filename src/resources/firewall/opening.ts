import { isIPv4, isIPv6 } from 'node:net';
import type { Change } from '../resource.js';

/** What is let through: a TCP port, a UDP port, or an IP protocol that has no ports. */
export type Passage = number | `${number}/udp` | 'vrrp';

/** What one address or network may reach. */
export interface Opening {
  /** In the spelling of `canonicalNetwork`. */
  source: string;
  /** Each once: TCP ports ascending, then UDP ports ascending, then protocols. */
  ports: readonly Passage[];
}

/**
 * An address or a network in the one spelling that firewalls list it in: without host bits, IPv6 shortened,
 * and no prefix length on a single address. Undefined for what is neither.
 */
export function canonicalNetwork(text: string): string | undefined {
  const [, address = '', length] = /^([^/]+)(?:\/(\d{1,3}))?$/u.exec(text) ?? [];
  const v6 = isIPv6(address) && !address.includes('%');
  if (!v6 && !isIPv4(address)) return undefined;
  const bits = v6 ? 128 : 32;
  const prefix = length === undefined ? bits : Number(length);
  if (prefix > bits) return undefined;
  const host = (1n << BigInt(bits - prefix)) - 1n;
  const network = v6 ? textOfV6(numberOfV6(address) & ~host) : textOfV4(numberOfV4(address) & ~host);
  return prefix === bits ? network : `${network}/${prefix}`;
}

/** True for an IPv6 address or network. */
export function isV6(source: string): boolean {
  return source.includes(':');
}

function numberOfV4(address: string): bigint {
  return address.split('.').reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function textOfV4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
}

/** The URL parser knows every spelling of an IPv6 address, an IPv4 tail included. */
function shortenV6(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}

function numberOfV6(address: string): bigint {
  const [left = '', right] = shortenV6(address).split('::');
  const groups = (text: string): string[] => text.split(':').filter((group) => group !== '');
  const [head, tail] = [groups(left), groups(right ?? '')];
  const all = [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail];
  return all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

function textOfV6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16));
  return shortenV6(groups.join(':'));
}

/** Joins what is opened to the same source; sources that are no addresses are left out. */
export function mergeOpenings(parts: readonly { sources: readonly string[]; ports: readonly Passage[] }[]): Opening[] {
  const ports = new Map<string, Set<Passage>>();
  for (const part of parts) {
    for (const text of part.sources) {
      const source = canonicalNetwork(text);
      if (source === undefined || part.ports.length === 0) continue;
      ports.set(source, new Set([...(ports.get(source) ?? []), ...part.ports]));
    }
  }
  return [...ports].map(([source, set]) => ({ source, ports: [...set].sort((a, b) => rank(a) - rank(b)) }));
}

function rank(passage: Passage): number {
  const [port = 0] = udpPorts({ ports: [passage] });
  if (port > 0) return UDP_AFTER + port;
  return typeof passage === 'number' ? passage : Number.MAX_SAFE_INTEGER;
}

/** Above every TCP port. */
const UDP_AFTER = 100_000;

/** The UDP ports of an opening. */
export function udpPorts({ ports }: Pick<Opening, 'ports'>): number[] {
  return ports.flatMap((passage) => (typeof passage === 'string' && passage.endsWith('/udp') ? [Number.parseInt(passage, 10)] : []));
}

/** A port as an opening has it. */
export function passage(port: number, protocol: 'tcp' | 'udp'): Passage {
  return protocol === 'udp' ? `${port}/udp` : port;
}

/** The TCP ports of an opening. */
export function tcpPorts({ ports }: Pick<Opening, 'ports'>): number[] {
  return ports.filter((port) => typeof port === 'number');
}

/** The openings of several lists, joined by source. */
export function uniteOpenings(...lists: readonly (readonly Opening[])[]): Opening[] {
  return mergeOpenings(lists.flat().map(({ source, ports }) => ({ sources: [source], ports })));
}

/** Without what `others` open as well. */
export function subtractOpenings(openings: readonly Opening[], others: readonly Opening[]): Opening[] {
  const ports = new Map(others.map((other) => [other.source, other.ports]));
  return openings
    .map(({ source, ports: mine }) => ({ source, ports: mine.filter((port) => ports.get(source)?.includes(port) !== true) }))
    .filter(({ ports: left }) => left.length > 0);
}

/** Only what `others` open as well. */
export function intersectOpenings(openings: readonly Opening[], others: readonly Opening[]): Opening[] {
  return subtractOpenings(openings, subtractOpenings(openings, others));
}

/** Changes of a firewall, in a person's words. */
export function openingChanges(open: readonly Opening[], close: readonly Opening[], firewall: string): Change[] {
  const told = (verb: string, openings: readonly Opening[]): Change[] =>
    describeOpenings(openings).map((words) => ({ action: 'update', summary: `${verb} ${words} in ${firewall}` }));
  return [...told('open', open), ...told('close', close)];
}

/** The changes with the texts that a person may compare, on the first; `otherwise` where there is none to carry them. */
export function withTexts(changes: readonly Change[], otherwise: string, before: string, after: string): Change[] {
  const [first = { action: 'update', summary: otherwise }, ...others] = changes;
  return [{ ...first, before, after }, ...others];
}

/** `5432, 8008 from 10.0.0.11, 10.0.0.12`, a line for each set of ports. */
function describeOpenings(openings: readonly Opening[]): string[] {
  const sources = new Map<string, string[]>();
  for (const { source, ports } of openings) {
    const key = ports.join(', ');
    sources.set(key, [...(sources.get(key) ?? []), source]);
  }
  return [...sources].map(([ports, from]) => `${ports} from ${from.join(', ')}`);
}
