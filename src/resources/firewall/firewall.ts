import { handle } from '../handle.js';
import { joinScripts, sh } from '../../shell/quote.js';
import { answerLines, digestOf, type Change, type Resource } from '../resource.js';
import { applyFirewalld, diffFirewalld, parseFirewalld, probeFirewalld, type FirewalldState } from './firewalld.js';
import { applyNftables, diffNftables, nftablesInForce, parseNftables, probeNftables, type NftablesState } from './nftables.js';
import type { Opening } from './opening.js';
import { applyUfw, diffUfw, parseUfw, PROBE_UFW, type UfwState } from './ufw.js';

/** The firewalls that pgprov knows. */
export type FirewallName = 'firewalld' | 'ufw' | 'nftables';

/** What each firewall of a host has. */
export interface FirewallState {
  firewalld: FirewalldState;
  ufw: UfwState;
  nftables: NftablesState;
}

/** Ports that a cluster needs open on a host. */
export interface FirewallOptions {
  /** Marks the rules as this cluster's. */
  cluster: string;
  /** `auto`: in whatever firewall is in force, and nowhere when none is. */
  backend: 'auto' | FirewallName;
  openings: readonly Opening[];
}

/** The resource's id. */
export const FIREWALL = handle<FirewallState>('firewall');

/** The firewalls that are in force on a host. */
export function firewallsInForce(state: FirewallState): FirewallName[] {
  return [
    ...(state.firewalld.running ? ['firewalld' as const] : []),
    ...(state.ufw.running ? ['ufw' as const] : []),
    ...(nftablesInForce(state.nftables) ? ['nftables' as const] : []),
  ];
}

/**
 * Ports open in the host's firewall, at once and after a reboot. Only rules that carry the cluster's name are
 * ever changed or removed.
 */
export function firewall({ cluster, backend, openings }: FirewallOptions): Resource<FirewallState> {
  const diffs: Record<FirewallName, (state: FirewallState) => Change[]> = {
    firewalld: (state) => diffFirewalld(cluster, openings, state.firewalld),
    ufw: (state) => diffUfw(cluster, openings, state.ufw),
    nftables: (state) => diffNftables(cluster, openings, state.nftables),
  };
  const chosen = (state: FirewallState): FirewallName[] => (backend === 'auto' ? firewallsInForce(state) : [backend]);
  return {
    ...FIREWALL,
    // Each line below a heading begins with a word, so none looks like a heading.
    probe: () => sh`echo @firewalld
${probeFirewalld(cluster)}
printf '\n@ufw\n'
${PROBE_UFW}
printf '\n@nftables\n'
${probeNftables(cluster)}`,
    parse: (answer) => {
      const lines = answerLines(answer);
      const of = (name: FirewallName): string[] => {
        const from = lines.indexOf(`@${name}`) + 1;
        const to = lines.findIndex((line, index) => index >= from && line.startsWith('@'));
        return from === 0 ? [] : lines.slice(from, to < 0 ? undefined : to);
      };
      return {
        firewalld: parseFirewalld(of('firewalld')),
        ufw: parseUfw(of('ufw')),
        nftables: parseNftables(cluster, of('nftables')),
      };
    },
    diff: (state) => chosen(state).flatMap((name) => diffs[name](state)),
    apply: (_changes, state) =>
      joinScripts(
        chosen(state)
          .filter((name) => diffs[name](state).length > 0)
          .map((name) => {
            if (name === 'firewalld') return applyFirewalld(cluster, openings);
            return name === 'ufw' ? applyUfw(cluster, openings, state.ufw) : applyNftables(cluster, openings, state.nftables);
          }),
      ),
    digest: () => digestOf(FIREWALL.id, cluster, backend, JSON.stringify(openings)),
  };
}
