import { defineRole, REPLICATION_LOGIN, replicationLogin, type CheckResult, type Host, type ReplicationLogin, type View } from '../src/index.js';
import { nextServer, passwordFile, replicationAccount, servers } from './shared/accounts.js';
import { guardKept } from './shared/kept-passwords.js';
import { accountsOf, localServer } from './shared/layout.js';
import { databasePassword } from './shared/logins.js';
import { PASSWORD, ROLE_NAME } from './shared/schemas.js';
import { variables } from './shared/variables.js';

export default defineRole({
  name: 'replication',
  description: 'The replication role (SCRAM-SHA-256) and the postgres user’s .pgpass with a line for every member. Under Patroni the role patroni sets them up.',
  requires: ['postgresql'],
  variables: {
    type: 'object',
    description: 'The account that standbys stream with.',
    properties: {
      username: {
        change: 'recreate',
        ...ROLE_NAME,
        default: 'replicator',
        description: 'Name of the replication role.',
      },
      password: { change: 'reload', ...PASSWORD, description: 'Its password. Generated on first use when not given.' },
    },
  },
  observations: (context) => [
    replicationLogin({
      server: localServer(context.host, context.platform),
      role: accountsOf(context).replication.name,
      passwordFile: passwordFile(context),
      members: servers(context),
      next: nextServer(context),
    }),
  ],
  // Under Patroni its own role sets them: a new password must reach the server, .pgpass and patroni.yml in one step.
  stages: (context) =>
    context.host.roles.includes('patroni')
      ? []
      : [{ name: 'accounts', title: 'set up replication accounts', crossing: 'independent', resources: replicationAccount(context) }],
  passwords: () => [databasePassword('replication', 'replication.password', 'replication')],
  guards: (view, material) => guardKept(view, material, 'replication'),
  checks: (view) => view.hosts('replication').flatMap((host) => checkHost(view, host)),
});

function checkHost(view: View, host: Host): CheckResult[] {
  const logins = view.read<ReplicationLogin[]>(host.name, REPLICATION_LOGIN) ?? [];
  const isLeftOut = (address: string): boolean => view.inventory.hosts.some((peer) => peer.clusterAddress === address && !view.surveyed(peer.name));
  const failed = logins.filter(({ address, error }) => error !== undefined && !isLeftOut(address));
  const detail = failed.length === 0
    ? `logged in to ${logins.filter(({ error }) => error === undefined).map(({ address }) => address).join(', ')}`
    : failed.map(({ address, error }) => `${address}: ${error}`).join('; ');
  return [{ title: `${variables(host, 'replication').username} logs in through .pgpass`, ok: logins.length > 0 && failed.length === 0, detail, host: host.name }];
}
