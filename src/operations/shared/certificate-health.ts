import {
  addressOf,
  certificatePlaces,
  daysLeft,
  PATRONI_MEMBER,
  SERVER_CERTIFICATE,
  TLS_HANDSHAKES,
  topologyOf,
  type OperationRun,
  type PatroniMemberState,
  type ServerCertificate,
  type View,
} from '../../index.js';
import { dcsOf } from '../../../roles/shared/dcs-of.js';
import { certificatesSeen } from './certificates-seen.js';

/** How fit a cluster is to have its certificates changed. */
export interface Health {
  /** No member of the store works, though there are some. */
  quorumLost: boolean;
  /** Hosts that have a certificate, of their own or of an authority, which has expired. */
  expired: readonly string[];
  /** What does not work, by host, as clauses. */
  unhealthy: readonly { host: string; what: string }[];
}

/** Judges what a look saw. */
export function healthOf({ catalog, inventory, view }: Pick<OperationRun<object>, 'catalog' | 'inventory' | 'view'>): Health {
  const store = dcsOf(inventory);
  const members = view.hosts(store.role).map(({ name }) => ({ host: name, healthy: store.isHealthy(view, name) === true }));
  // One that is given is not renewed, and no member of the store or of Patroni has one.
  const expired = certificatePlaces(catalog, inventory).filter(
    (place) => place.tls.given === undefined && certificatesSeen(view, place).some((certificate) => daysLeft(certificate) < 0),
  );
  // That nobody gets through to a member which does not work, or whose certificate has expired, is no more than its own trouble.
  const unhealthyHosts = new Set([
    ...members.filter(({ healthy }) => !healthy).map(({ host }) => host),
    ...expired.map(({ host }) => host.name),
  ]);
  const addresses = new Set(inventory.hosts.filter(({ name }) => unhealthyHosts.has(name)).map(({ clusterAddress }) => clusterAddress));
  return {
    quorumLost: members.length > 0 && members.every(({ healthy }) => !healthy),
    expired: [...new Set(expired.map(({ host }) => host.name))],
    unhealthy: [
      ...members.flatMap(({ host, healthy }) => (healthy ? [] : [{ host, what: `${store.name} is not healthy` }])),
      ...members.flatMap(({ host, healthy }) => (healthy ? shutDoors(view, host, addresses) : [])),
      ...view
        .hosts('patroni')
        .flatMap(({ name }) => (works(view.read(name, PATRONI_MEMBER)) ? [] : [{ host: name, what: 'Patroni’s member does not run' }])),
      ...view
        .hosts('postgresql')
        .filter((host) => topologyOf(host) !== 'patroni' && isSilent(view.read(host.name, SERVER_CERTIFICATE)))
        .map(({ name }) => ({ host: name, what: 'PostgreSQL presents no certificate' })),
    ],
  };
}

function shutDoors(view: View, host: string, expected: ReadonlySet<string>): Health['unhealthy'] {
  const seen = view.read(host, TLS_HANDSHAKES)?.handshakes ?? [];
  const shut = seen.filter(({ accepted, listener }) => !accepted && !expected.has(addressOf(listener))).map(({ listener }) => listener);
  return shut.length === 0 ? [] : [{ host, what: `no connection with its certificate to ${shut.join(', ')}` }];
}

/** The server was asked for its certificate, and presents none. */
function isSilent(seen: ServerCertificate | undefined): boolean {
  return seen !== undefined && seen.presented === undefined;
}

function works(member: PatroniMemberState | undefined): boolean {
  return member?.answers === true && (member.state === 'running' || member.state === 'streaming');
}
