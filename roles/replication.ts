import {
  defineRole,
  REPLICATION_LOGIN,
  replicationLogin,
  topologyOf,
  type CheckResult,
  type Host,
  type RoleContext,
  type Stage,
  type View,
} from '../src/index.js';
import { nextServer, replicationAccount, servers } from './shared/accounts.js';
import { guardKept } from './shared/kept-passwords.js';
import { accountsOf, localServer } from './shared/layout.js';
import { databasePassword } from './shared/logins.js';
import { passwordFile } from './shared/password-file.js';
import { guardParted, guardStreaming } from './shared/streaming/guards.js';
import { streamingProblems } from './shared/streaming/problems.js';
import { streamingStages } from './shared/streaming/stages.js';
import { checkStreaming, leaderDrift, partedDrift } from './shared/streaming/told.js';
import { variables } from './shared/variables.js';
import { REPLICATION_VARIABLES } from './shared/sections/replication.js';

export default defineRole({
  name: 'replication',
  description:
    'The replication role (SCRAM-SHA-256) and the postgres user’s .pgpass with a line for every member; on several hosts without Patroni also the standbys. Under Patroni the role patroni sets all of it up.',
  requires: ['postgresql'],
  variables: REPLICATION_VARIABLES,
  problems: streamingProblems,
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
  stages,
  passwords: () => [databasePassword('replication', 'replication.password', 'replication')],
  guards: (view, credentials) => [...guardStreaming(view), ...guardParted(view), ...guardKept(view, credentials, 'replication')],
  drift: (view) => [...leaderDrift(view), ...partedDrift(view)],
  checks: (view) => [...checkStreaming(view), ...view.hosts('replication').flatMap((host) => checkHost(view, host))],
  remarks: (view, host) =>
    leaderDrift(view)
      .filter((found) => found.host === host)
      .map(({ what, mend }) => `${what}; ${mend}`),
});

function stages(context: RoleContext): Stage[] {
  switch (topologyOf(context.host)) {
    case 'patroni':
      return [];
    case 'streaming':
      return streamingStages(context);
    case 'single':
      return [{ name: 'accounts', title: 'set up replication accounts', crossing: 'independent', resources: replicationAccount(context) }];
  }
}

function checkHost(view: View, host: Host): CheckResult[] {
  const logins = view.read(host.name, REPLICATION_LOGIN) ?? [];
  const isLeftOut = (address: string): boolean =>
    view.inventory.hosts.some((peer) => peer.clusterAddress === address && !view.surveyed(peer.name));
  const failed = logins.filter(({ address, error }) => error !== undefined && !isLeftOut(address));
  const detail =
    failed.length === 0
      ? `logged in to ${logins
          .filter(({ error }) => error === undefined)
          .map(({ address }) => address)
          .join(', ')}`
      : failed.map(({ address, error }) => `${address}: ${error}`).join('; ');
  // A server that is just restarting or busy lets nobody in for some seconds; a wrong password stays wrong.
  const passes =
    failed.length > 0 &&
    failed.every(({ error }) => /refused|starting up|shutting down|not yet accepting|timeout expired/u.test(error ?? ''));
  const ok = logins.length > 0 && failed.length === 0;
  return [
    {
      title: `${variables(host, 'replication').username} logs in through .pgpass`,
      ok,
      detail,
      host: host.name,
      ...(passes ? { settles: true } : {}),
    },
  ];
}
