import { enumerate, ETCD_MEMBER, REACHABILITY, type DcsState, DCS, type EtcdMemberState, type Host, type Objection, type Part, type Reach, type View } from '../../src/index.js';
import { hostsWith } from './layout.js';
import { variables } from './variables.js';

/** Whether a host gets an answer from a port of a peer. */
export function answers(view: View, from: Host, peer: Host, port: number): boolean {
  return (view.read<Reach[]>(from.name, REACHABILITY) ?? []).some(
    (reach) => reach.address === peer.clusterAddress && reach.port === port && reach.result === 'open',
  );
}

function names(hosts: readonly Host[]): string {
  return enumerate(hosts.map(({ name }) => name));
}

/** A new etcd member comes up only in a quorum, so enough others must run or be part of the run. */
export function quorumElsewhere(view: View, { hosts: part }: Part): Objection[] {
  const members = hostsWith(view.inventory, 'etcd');
  const aimed = view.hosts('etcd').filter(({ name }) => part.has(name));
  const newcomer = aimed.find((host) => view.read<EtcdMemberState>(host.name, ETCD_MEMBER)?.hasData === false);
  if (newcomer === undefined || aimed.length === members.length) return [];
  const others = members.filter((member) => !aimed.includes(member));
  const running = others.filter((member) => answers(view, newcomer, member, variables(member, 'etcd').client_port));
  const quorum = Math.floor(members.length / 2) + 1;
  if (aimed.length + running.length >= quorum) return [];
  const missing = others.filter((member) => !running.includes(member));
  return [
    {
      kind: 'preflight',
      host: newcomer.name,
      message: `${newcomer.name}: etcd needs ${quorum} of its ${members.length} members to begin, and ${names(missing)} ${missing.length === 1 ? 'neither runs nor is' : 'neither run nor are'} part of this run`,
      hint: `aim at more members: --host ${members.map(({ name }) => name).join(',')} --role etcd`,
    },
  ];
}

/** A new Patroni cluster begins with its first leader, in an etcd that is there. */
export function leaderElsewhere(view: View, { hosts: part, roles }: Part): Objection[] {
  const host = view.hosts('patroni').find(({ name }) => part.has(name));
  if (host === undefined) return [];
  const store = view.read<DcsState>(host.name, DCS);
  const members = hostsWith(view.inventory, 'etcd');
  if (store?.reachable !== true && !roles.has('etcd') && members.length > 0) {
    const peers = members.filter(({ name }) => name !== host.name);
    if (peers.length > 0 && !peers.some((peer) => answers(view, host, peer, variables(peer, 'etcd').client_port))) {
      return [
        {
          kind: 'preflight',
          host: host.name,
          message: `${host.name}: Patroni needs etcd, of which no member on ${names(peers)} answers`,
          hint: 'apply the role etcd first: --role etcd on all of its hosts',
        },
      ];
    }
  }
  const begun = store?.reachable === true && (store.initialize !== undefined || store.leader !== undefined);
  const { leader } = view.inventory;
  const leaderHost = view.inventory.hosts.find(({ name }) => name === leader);
  if (begun || part.has(leader) || leaderHost === undefined) return [];
  if (answers(view, host, leaderHost, variables(leaderHost, 'patroni').restapi_port)) return [];
  return [
    {
      kind: 'preflight',
      host: host.name,
      message: `${host.name}: the cluster does not exist yet, and its first leader ${leader} is not part of this run`,
      hint: `aim at it as well: --host ${[leader, ...[...part].filter((name) => name !== leader)].join(',')}`,
    },
  ];
}
