import { CONSUL_MEMBER, consulMember, type RoleContext, type UnitGuard, type View } from '../../../src/index.js';
import { quorumLost, type SeenMembers } from '../quorum.js';
import { consulClient, consulServers } from './servers.js';

/** A server is restarted only while the others are a quorum. One that is started joins the others, or waits for them: it cannot begin alone. */
export function consulUnitGuard({ platform }: RoleContext): UnitGuard {
  return {
    asks: [consulMember(consulClient(platform, 'management'), platform.consul.dataDirectory)],
    patience: 20,
    objection: (view, move) => (move.action === 'restart' ? quorumLost(view.inventory, 'consul', move, seenServers(view)) : undefined),
  };
}

/** The servers as every host that answered sees them. */
function seenServers(view: View): SeenMembers {
  const inventory = consulServers(view.inventory).map(({ name }) => name);
  const seen = view.hosts('consul').flatMap(({ name }) => view.read(name, CONSUL_MEMBER) ?? []);
  const told = seen.flatMap(({ servers }) => (servers === undefined || servers.length === 0 ? [] : [servers]));
  const voters = told[0]?.flatMap(({ name, voter }) => (voter ? [name] : [])) ?? [];
  // A server that was added a moment ago, or has just come back, votes after some seconds.
  const all = [...new Set([...inventory, ...voters])];
  const healthy = all.filter(
    (name) => told.length > 0 && told.every((list) => list.some((server) => server.name === name && server.healthy)),
  );
  return {
    voters: all,
    healthy: new Set(healthy),
    anyHealthy: seen.some(({ leader }) => leader !== undefined),
    inRun: new Set(view.hosts('consul').map(({ name }) => name)),
  };
}
