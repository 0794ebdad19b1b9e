import {
  defineRole, pgpass, pgRole, REPLICATION_LOGIN, replicationLogin,
  type CheckResult, type Host, type ReplicationLogin, type RoleContext, type View,
} from '../src/index.js';
import { accountsOf, hostsWith, localServer } from './shared/layout.js';
import { PASSWORD, ROLE_NAME } from './shared/schemas.js';
import { variables } from './shared/variables.js';

export default defineRole({
  name: 'replication',
  description: 'The replication role (SCRAM-SHA-256) and the postgres user’s .pgpass with a line for every member.',
  requires: ['postgresql'],
  variables: {
    type: 'object',
    description: 'The account that standbys stream with.',
    properties: {
      username: {
        ...ROLE_NAME,
        default: 'replicator',
        description: 'Name of the replication role.',
      },
      password: { ...PASSWORD, description: 'Its password. Generated on first use when not given.' },
    },
  },
  observations: (context) => [
    replicationLogin({
      server: localServer(context.host, context.platform),
      role: accountsOf(context).replication.name,
      passwordFile: passwordFile(context),
      members: members(context),
    }),
  ],
  stages: (context) => {
    const { host, platform } = context;
    const { replication } = accountsOf(context);
    const { user, group } = platform.postgresql(variables(host, 'postgresql').version);
    return [
      {
        name: 'accounts',
        title: 'set up replication accounts',
        crossing: 'independent',
        resources: [
          pgRole({
            server: localServer(host, platform),
            name: replication.name,
            password: replication.password,
            attributes: ['REPLICATION'],
            madeBy: host.roles.includes('patroni') ? 'patroni' : 'pgprov',
          }),
          pgpass({
            path: passwordFile(context),
            owner: user,
            group,
            entries: members(context).map(({ address, port }) => ({
              host: address,
              port,
              database: 'replication',
              user: replication.name,
              password: replication.password,
            })),
          }),
        ],
      },
    ];
  },
  checks: (view) => view.hosts('replication').flatMap((host) => checkHost(view, host)),
});

function passwordFile({ host, platform }: RoleContext): string {
  return `${platform.postgresql(variables(host, 'postgresql').version).home}/.pgpass`;
}

/** The servers that a member of this host's kind may have to replicate from. */
function members({ host, inventory }: RoleContext): { address: string; port: number }[] {
  const peers = host.roles.includes('patroni') ? hostsWith(inventory, 'patroni') : [host];
  return peers
    .filter((peer) => peer.roles.includes('postgresql'))
    .map((peer) => ({ address: peer.clusterAddress, port: variables(peer, 'postgresql').port }));
}

function checkHost(view: View, host: Host): CheckResult[] {
  const logins = view.read<ReplicationLogin[]>(host.name, REPLICATION_LOGIN) ?? [];
  const isLeftOut = (address: string): boolean => view.inventory.hosts.some((peer) => peer.clusterAddress === address && !view.surveyed(peer.name));
  const failed = logins.filter(({ address, error }) => error !== undefined && !isLeftOut(address));
  const detail = failed.length === 0
    ? `logged in to ${logins.filter(({ error }) => error === undefined).map(({ address }) => address).join(', ')}`
    : failed.map(({ address, error }) => `${address}: ${error}`).join('; ');
  return [{ title: `${variables(host, 'replication').username} logs in through .pgpass`, ok: logins.length > 0 && failed.length === 0, detail, host: host.name }];
}
