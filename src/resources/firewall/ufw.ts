import { joinScripts, sh, type Script } from '../../shell/quote.js';
import type { Change } from '../resource.js';
import {
  canonicalNetwork,
  openingChanges,
  passage,
  subtractOpenings,
  tcpPorts,
  udpPorts,
  uniteOpenings,
  withTexts,
  type Opening,
} from './opening.js';

/** One of ufw's rules that lets a source reach TCP ports of the host, or lets a protocol through. */
export interface UfwRule extends Opening {
  comment: string;
}

/** What ufw has. */
export interface UfwState {
  running: boolean;
  rules: UfwRule[];
}

/**
 * Asks whether ufw is active, and for the rules as it keeps them itself: `ufw show added` spells a source
 * that is everywhere in one way for IPv4, IPv6 and both. What is there is in force while ufw is active.
 */
export const PROBE_UFW: Script = sh`if command -v ufw >/dev/null 2>&1; then
if ufw status 2>/dev/null | grep -q '^Status: active'; then echo running; fi
sed -n 's/^### tuple ### /rule /p' /etc/ufw/user.rules /etc/ufw/user6.rules 2>/dev/null
fi`;

/** Reads the lines of `PROBE_UFW`; rules of other kinds than ours are left out. */
export function parseUfw(lines: readonly string[]): UfwState {
  // action, protocol, ports, destination and its port, source and its port, direction, comment in hexadecimal
  const form = /^rule allow (?:(tcp|udp) ([\d,]+)|(vrrp) any) (?:0\.0\.0\.0\/0|::\/0) any (\S+) in(?: comment=([0-9a-f]*))?$/u;
  return {
    running: lines.includes('running'),
    rules: lines.flatMap((line) => {
      const [, transport, ports = '', protocol, address = '', comment = ''] = form.exec(line) ?? [];
      const source = canonicalNetwork(address);
      if (source === undefined) return [];
      return [
        {
          source,
          ports:
            protocol === 'vrrp' ? [protocol] : ports.split(',').map((port) => passage(Number(port), transport === 'udp' ? 'udp' : 'tcp')),
          comment: Buffer.from(comment, 'hex').toString('utf8'),
        },
      ];
    }),
  };
}

/** The comment that marks the rules of a cluster as ours. */
export function ufwComment(cluster: string): string {
  return `pgprov ${cluster}`;
}

/** What has to change for ufw's rules to be as desired. */
export function diffUfw(cluster: string, wanted: readonly Opening[], state: UfwState): Change[] {
  const openings = ruleByRule(wanted);
  const { missing, stale } = compare(cluster, openings, state);
  if (missing.length + stale.length === 0) return [];
  const kept = openings.filter((opening) => !missing.includes(opening));
  const present = uniteOpenings(kept, stale);
  const changes = openingChanges(subtractOpenings(openings, present), subtractOpenings(present, openings), 'ufw');
  const text = (rules: readonly Opening[]): string => rules.map((rule) => `allow ${words(rule).join(' ')}\n`).join('');
  return withTexts(changes, 'write the rules of pgprov in ufw anew', text([...kept, ...stale]), text(openings));
}

/** Adds what is missing, at the head so that no older rule is in the way, and then removes what is stale. */
export function applyUfw(cluster: string, openings: readonly Opening[], state: UfwState): Script {
  const { missing, stale } = compare(cluster, ruleByRule(openings), state);
  return joinScripts([
    ...missing.map((opening) => sh`ufw prepend allow ${words(opening)} comment ${ufwComment(cluster)}`),
    ...stale.map((rule) => sh`ufw --force delete allow ${words(rule)}`),
  ]);
}

/** A rule of somebody else that is exactly what is wanted does as well: ufw would give it our comment, and later delete it. */
function compare(cluster: string, openings: readonly Opening[], { rules }: UfwState): { missing: Opening[]; stale: UfwRule[] } {
  const key = (opening: Opening): string => words(opening).join(' ');
  const wanted = new Set(openings.map(key));
  const present = new Set(rules.map(key));
  return {
    missing: openings.filter((opening) => !present.has(key(opening))),
    stale: rules.filter((rule) => rule.comment === ufwComment(cluster) && !wanted.has(key(rule))),
  };
}

/** The openings, each no more than one rule of ufw can hold. */
function ruleByRule(openings: readonly Opening[]): Opening[] {
  return openings.flatMap(({ source, ports }) =>
    [tcpPorts({ ports }), udpPorts({ ports }).map((port) => passage(port, 'udp')), ports.filter((port) => port === 'vrrp')]
      .filter((part) => part.length > 0)
      .map((part) => ({ source, ports: part })),
  );
}

function words({ source, ports }: Opening): string[] {
  if (ports.includes('vrrp')) return ['proto', 'vrrp', 'from', source];
  const udp = udpPorts({ ports });
  return ['proto', udp.length > 0 ? 'udp' : 'tcp', 'from', source, 'to', 'any', 'port', (udp.length > 0 ? udp : ports).join(',')];
}
