import {
  addressOf,
  enumerate,
  gate,
  TLS_HANDSHAKES,
  tlsHandshake,
  tlsHandshakes,
  type Gate,
  type Host,
  type Inventory,
  type Observation,
  type RoleContext,
  type StageProof,
  type TlsHandshakesState,
  type View,
} from '../../../src/index.js';
import { hostPort, hostsWith, tlsFiles, type TlsFiles } from '../layout.js';
import { variables } from '../variables.js';

/** Where a member of etcd listens with TLS: for clients, and for the other members. */
function listeners(member: Host): string[] {
  const { client_port, peer_port } = variables(member, 'etcd');
  return [client_port, peer_port].map((port) => hostPort(member.clusterAddress, port));
}

/** From the host to every member of etcd, with the files that its own member has. */
export function memberHandshakes({ inventory, platform }: RoleContext): Observation {
  const { unit } = platform.etcd;
  return tlsHandshakes({ files: tlsFiles(platform.etcd), listeners: hostsWith(inventory, 'etcd').flatMap(listeners), unit });
}

/** The member presents the certificate in its file to whoever connects, and it began after its authorities were written. */
export function memberUsesItsFiles(view: View, host: Host, fingerprint: string | undefined): boolean | undefined {
  const seenBy = (name: string): TlsHandshakesState | undefined => view.read<TlsHandshakesState>(name, TLS_HANDSHAKES);
  const own = view.inventory.hosts
    .flatMap(({ name }) => seenBy(name)?.handshakes ?? [])
    .filter(({ listener }) => addressOf(listener) === host.clusterAddress);
  const presented = new Set(own.flatMap(({ presented: seen }) => seen ?? []));
  const authorityLoaded = seenBy(host.name)?.authorityLoaded;
  if (authorityLoaded === undefined || presented.size === 0) return undefined;
  return authorityLoaded && [...presented].every((seen) => seen === fingerprint);
}

/** After a change of a member of etcd: the next member connects to it anew, as a client and as a peer. */
export function seenByNextMember({ host, inventory, platformOf }: RoleContext): StageProof[] {
  const members = hostsWith(inventory, 'etcd');
  const next = members[(members.findIndex(({ name }) => name === host.name) + 1) % members.length];
  const platform = next === undefined ? undefined : platformOf(next.name);
  if (next === undefined || platform === undefined || next.name === host.name) return [];
  return [
    {
      on: next.name,
      gate: accepted(
        `${next.name} and etcd on ${host.name} trust each other`,
        tlsFiles(platform.etcd),
        listeners(host),
        platform.etcd.unit,
      ),
    },
  ];
}

/** After a change of the files of a client of etcd: every member that it can reach lets it in. */
export function letInByMembers({ host, inventory }: RoleContext, service: { unit: string; tlsDirectory: string }): StageProof[] {
  const endpoints = clientEndpoints(inventory);
  if (endpoints.length === 0) return [];
  return [
    {
      on: host.name,
      gate: accepted(`etcd accepts the certificate of ${service.unit} on ${host.name}`, tlsFiles(service), endpoints, service.unit),
    },
  ];
}

function clientEndpoints(inventory: Inventory): string[] {
  return hostsWith(inventory, 'etcd').map((member) => hostPort(member.clusterAddress, variables(member, 'etcd').client_port));
}

function accepted(title: string, files: TlsFiles, endpoints: readonly string[], unit: string): Gate {
  return gate({
    name: `tls-${enumerate(endpoints)}`,
    title,
    check: tlsHandshake(files, endpoints),
    unit,
    fatalLogPatterns: [],
    timeout: 30,
  });
}
