import { inConcert, pgpass, pgRole, type Resource, type RoleContext } from '../../src/index.js';
import { accountsOf, hostsWith, localServer } from './layout.js';
import { variables } from './variables.js';

/** The .pgpass of the postgres user. */
export function passwordFile({ host, platform }: Pick<RoleContext, 'host' | 'platform'>): string {
  return `${platform.postgresql(variables(host, 'postgresql').version).home}/.pgpass`;
}

/** The servers that a member of this host's kind may have to replicate from. */
export function servers({ host, inventory }: Pick<RoleContext, 'host' | 'inventory'>): { address: string; port: number }[] {
  const peers = host.roles.includes('patroni') ? hostsWith(inventory, 'patroni') : [host];
  return peers
    .filter((peer) => peer.roles.includes('postgresql'))
    .map((peer) => ({ address: peer.clusterAddress, port: variables(peer, 'postgresql').port }));
}

/** The replication role, and the .pgpass with a line for every server. */
export function replicationAccount(context: RoleContext): Resource[] {
  const { host, platform } = context;
  const { name, password } = accountsOf(context).replication;
  const { user, group } = platform.postgresql(variables(host, 'postgresql').version);
  return [
    pgRole({
      server: localServer(host, platform),
      name,
      password,
      attributes: ['REPLICATION'],
      madeBy: host.roles.includes('patroni') ? 'patroni' : 'pgprov',
    }),
    inConcert(
      pgpass({
        path: passwordFile(context),
        owner: user,
        group,
        entries: servers(context).map(({ address, port }) => ({ host: address, port, database: 'replication', user: name, password })),
      }),
    ),
  ];
}
