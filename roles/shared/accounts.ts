import { coordinated, pgpass, pgRole, topologyOf, type Host, type Resource, type RoleContext } from '../../src/index.js';
import { accountsOf, dataDirectoryOf, hostsWith, localServer } from './layout.js';
import { passwordFile } from './password-file.js';
import { REWIND_DATABASE, streamingServers } from './streaming/servers.js';
import { variables } from './variables.js';

/** The servers that a member of this host's kind may have to replicate from. */
export function servers({ host, inventory }: Pick<RoleContext, 'host' | 'inventory'>): { address: string; port: number }[] {
  return peers({ host, inventory }).map(addressOf);
}

/** The server that comes after this host's own in the inventory, the first one after the last: over all hosts, each server once. */
export function nextServer({ host, inventory }: Pick<RoleContext, 'host' | 'inventory'>): { address: string; port: number } {
  const all = peers({ host, inventory });
  const at = all.findIndex(({ name }) => name === host.name);
  if (at >= 0) return addressOf(all[(at + 1) % all.length] ?? host);
  const { hosts } = inventory;
  const after = hosts.slice(hosts.findIndex(({ name }) => name === host.name) + 1);
  return addressOf(all.find(({ name }) => after.some((other) => other.name === name)) ?? all[0] ?? host);
}

function peers({ host, inventory }: Pick<RoleContext, 'host' | 'inventory'>): Host[] {
  switch (topologyOf(host)) {
    case 'patroni':
      return hostsWith(inventory, 'patroni').filter(({ roles }) => roles.includes('postgresql'));
    case 'streaming':
      // None lets itself in.
      return streamingServers(inventory.hosts).filter(({ name }) => name !== host.name);
    case 'single':
      return [host];
  }
}

function addressOf(host: Host): { address: string; port: number } {
  return { address: host.clusterAddress, port: variables(host, 'postgresql').port };
}

/**
 * Where servers are to be no more; of hosts that the inventory has no more their revoked certificates say it, of those under Patroni, whose servers
 * share a port.
 */
function formerServers({
  host,
  inventory,
  credentials,
}: Pick<RoleContext, 'host' | 'inventory' | 'credentials'>): { address: string; port: number }[] {
  const moved = hostsWith(inventory, 'postgresql').flatMap((host) =>
    host.formerly?.address === undefined ? [] : [{ ...addressOf(host), address: host.formerly.address }],
  );
  const { port } = variables(host, 'postgresql');
  const revoked = credentials.revoked.flatMap(({ names }) => names.map((address) => ({ address, port })));
  return [...inventory.absent.filter(({ roles }) => roles.includes('postgresql')).map(addressOf), ...moved, ...revoked];
}

/** The replication role, and the .pgpass with a line for every server. */
export function replicationAccount(context: RoleContext): Resource[] {
  const { host, platform } = context;
  const { name, password } = accountsOf(context).replication;
  return [
    pgRole({
      server: localServer(host, platform),
      name,
      password,
      attributes: ['REPLICATION'],
      madeBy: topologyOf(host) === 'patroni' ? 'patroni' : 'pgprov',
      ...(topologyOf(host) === 'streaming' ? { data: dataDirectoryOf(host, platform) } : {}),
    }),
    passwordLines(context),
  ];
}

/** The .pgpass with a line for every server. */
export function passwordLines(context: RoleContext): Resource {
  const { host, platform } = context;
  const { name, password } = accountsOf(context).replication;
  const { user, group } = platform.postgresql(variables(host, 'postgresql').version);
  const databases = ['replication', ...(topologyOf(host) === 'streaming' ? [REWIND_DATABASE] : [])];
  return coordinated(
    pgpass({
      path: passwordFile(context),
      owner: user,
      group,
      entries: servers(context).flatMap(({ address, port }) =>
        databases.map((database) => ({ host: address, port, database, user: name, password })),
      ),
      former: formerServers(context).flatMap(({ address, port }) =>
        databases.map((database) => ({ host: address, port, database, user: name })),
      ),
    }),
  ) as Resource;
}
