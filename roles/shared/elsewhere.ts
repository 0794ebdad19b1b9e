import { enumerate, REACHABILITY, DCS, type Host, type Objection, type RunScope, type View } from '../../src/index.js';
import { dcsOf } from './dcs-of.js';
import { hostsWith } from './layout.js';
import { quorumOf } from './quorum.js';
import { variables } from './variables.js';

/** Whether a host gets an answer from a port of a peer. */
export function answers(view: View, from: Host, peer: Host, port: number): boolean {
  return (view.read(from.name, REACHABILITY) ?? []).some(
    (reach) => reach.address === peer.clusterAddress && reach.port === port && reach.result === 'open',
  );
}

function names(hosts: readonly Host[]): string {
  return enumerate(hosts.map(({ name }) => name));
}

/** A new member of the store comes up only in a quorum, so enough others must run or be part of the run. */
export function quorumElsewhere(view: View, { hosts: part }: RunScope): Objection[] {
  const { name: store, role, clientPort, hasData } = dcsOf(view.inventory);
  const members = hostsWith(view.inventory, role);
  const aimed = view.hosts(role).filter(({ name }) => part.has(name));
  const newcomer = aimed.find((host) => hasData(view, host.name) === false);
  if (newcomer === undefined || aimed.length === members.length) return [];
  const others = members.filter((member) => !aimed.includes(member));
  const running = others.filter((member) => answers(view, newcomer, member, clientPort(member)));
  const quorum = quorumOf(members.length);
  if (aimed.length + running.length >= quorum) return [];
  const missing = others.filter((member) => !running.includes(member));
  return [
    {
      kind: 'preflight',
      host: newcomer.name,
      message: `${newcomer.name}: ${store} needs ${quorum} of its ${members.length} members to start, and ${names(missing)} ${missing.length === 1 ? 'neither runs nor is' : 'neither run nor are'} part of this run`,
      hint: `select more members: --host ${members.map(({ name }) => name).join(',')} --role ${role}`,
    },
  ];
}

/** A new Patroni cluster begins with its first leader, in a store that is there. */
export function leaderElsewhere(view: View, { hosts: part, roles }: RunScope): Objection[] {
  const host = view.hosts('patroni').find(({ name }) => part.has(name));
  if (host === undefined) return [];
  const store = view.read(host.name, DCS);
  const { name: kind, role, clientPort } = dcsOf(view.inventory);
  const members = hostsWith(view.inventory, role);
  if (store?.reachable !== true && !roles.has(role) && members.length > 0) {
    const peers = members.filter(({ name }) => name !== host.name);
    if (peers.length > 0 && !peers.some((peer) => answers(view, host, peer, clientPort(peer)))) {
      return [
        {
          kind: 'preflight',
          host: host.name,
          message: `${host.name}: Patroni needs ${kind}, and no ${kind} member on ${names(peers)} answers`,
          hint: `apply the role ${role} first: --role ${role} on all of its hosts`,
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
      hint: `add it to the run: --host ${[leader, ...[...part].filter((name) => name !== leader)].join(',')}`,
    },
  ];
}
