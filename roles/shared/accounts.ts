import { coordinated, pgpass, pgRole, topologyOf, type Host, type Resource, type RoleContext } from '../../src/index.js';
import { accountsOf, hostsWith, localServer } from './layout.js';
import { variables } from './variables.js';

/** The .pgpass of the postgres user. */
export function passwordFile({ host, platform }: Pick<RoleContext, 'host' | 'platform'>): string {
  return `${platform.postgresql(variables(host, 'postgresql').version).home}/.pgpass`;
}

/** The servers that a member of this host's kind may have to replicate from. */
export function servers({ host, inventory }: Pick<RoleContext, 'host' | 'inventory'>): { address: string; port: number }[] {
  return peers({ host, inventory }).map(addressOf);
}

/** The server that comes after this host's own in the inventory, the first one after the last: over all hosts, each server once. */
export function nextServer({ host, inventory }: Pick<RoleContext, 'host' | 'inventory'>): { address: string; port: number } {
  const all = peers({ host, inventory });
  const at = all.findIndex(({ name }) => name === host.name);
  return addressOf(all[(at + 1) % all.length] ?? host);
}

function peers({ host, inventory }: Pick<RoleContext, 'host' | 'inventory'>): Host[] {
  return topologyOf(host) === 'patroni' ? hostsWith(inventory, 'patroni').filter(({ roles }) => roles.includes('postgresql')) : [host];
}

function addressOf(host: Host): { address: string; port: number } {
  return { address: host.clusterAddress, port: variables(host, 'postgresql').port };
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
      madeBy: topologyOf(host) === 'patroni' ? 'patroni' : 'pgprov',
    }),
    coordinated(
      pgpass({
        path: passwordFile(context),
        owner: user,
        group,
        entries: servers(context).map(({ address, port }) => ({ host: address, port, database: 'replication', user: name, password })),
      }),
    ),
  ];
}
