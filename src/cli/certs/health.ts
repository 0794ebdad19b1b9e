import type { Inventory } from '../../model/index.js';
import type { View } from '../../plan/view.js';
import { ETCD_MEMBER, type EtcdMemberState } from '../../resources/etcd-member.js';
import { PATRONI_MEMBER, type PatroniMemberState } from '../../resources/patroni-member.js';
import { addressOf, TLS_HANDSHAKES, type TlsHandshakesState } from '../../resources/tls-handshakes.js';
import { daysLeft } from '../../store/renewal.js';
import { certificatesSeen, placesOf } from './places.js';

/** How fit a cluster is to have its certificates changed. */
export interface Fitness {
  /** No member of etcd works, though there are some. */
  quorumLost: boolean;
  /** Hosts that have a certificate, of their own or of an authority, which has expired. */
  expired: readonly string[];
  /** What does not work, by host, as clauses. */
  ailing: readonly { host: string; what: string }[];
}

/** Judges what a look saw. */
export function fitnessOf(inventory: Inventory, view: View): Fitness {
  const members = view.hosts('etcd').map(({ name }) => ({ host: name, healthy: view.read<EtcdMemberState>(name, ETCD_MEMBER)?.healthy === true }));
  const expired = placesOf(inventory).filter((place) => certificatesSeen(view, place).some((certificate) => daysLeft(certificate) < 0));
  // That nobody gets through to a member which does not work, or whose certificate has expired, is no more than its own trouble.
  const sick = new Set([...members.filter(({ healthy }) => !healthy).map(({ host }) => host), ...expired.map(({ host }) => host.name)]);
  const addresses = new Set(inventory.hosts.filter(({ name }) => sick.has(name)).map(({ clusterAddress }) => clusterAddress));
  return {
    quorumLost: members.length > 0 && members.every(({ healthy }) => !healthy),
    expired: [...new Set(expired.map(({ host }) => host.name))],
    ailing: [
      ...members.flatMap(({ host, healthy }) => (healthy ? [] : [{ host, what: 'etcd is not healthy' }])),
      ...members.flatMap(({ host, healthy }) => (healthy ? shutDoors(view, host, addresses) : [])),
      ...view.hosts('patroni').flatMap(({ name }) => (works(view.read<PatroniMemberState>(name, PATRONI_MEMBER)) ? [] : [{ host: name, what: 'Patroni’s member does not run' }])),
    ],
  };
}

function shutDoors(view: View, host: string, expected: ReadonlySet<string>): Fitness['ailing'] {
  const seen = view.read<TlsHandshakesState>(host, TLS_HANDSHAKES)?.handshakes ?? [];
  const shut = seen.filter(({ accepted, listener }) => !accepted && !expected.has(addressOf(listener))).map(({ listener }) => listener);
  return shut.length === 0 ? [] : [{ host, what: `no connection with its certificate to ${shut.join(', ')}` }];
}

function works(member: PatroniMemberState | undefined): boolean {
  return member?.answers === true && (member.state === 'running' || member.state === 'streaming');
}
