import { defineRole, type Host, type View } from '../src/index.js';
import { guardBackups } from './shared/backup/guards.js';
import { installed } from './shared/backup/install.js';
import { repositoryHostProblems } from './shared/backup/problems.js';
import { serverPort } from './shared/backup/repositories.js';
import { configuredServer } from './shared/backup/serve.js';
import { asksRuns } from './shared/backup/schedule.js';
import { backupServerPort } from './shared/backup/server-port.js';
import { backupChecks, backupLines, backupRemarks } from './shared/backup/told.js';
import { writes } from './shared/backup/write.js';
import { tlsCopies } from './shared/layout.js';
import { reachesPeers } from './shared/peers.js';
import { BACKUP_REPOSITORY_VARIABLES } from './shared/sections/backup-repository.js';

/** On a member with a repository the role backup does what both would. */
const isMember = ({ roles }: Host): boolean => roles.includes('backup');

const alone = (view: View): Host[] => view.hosts('backup-repository').filter((host) => !isMember(host));

export default defineRole({
  name: 'backup-repository',
  description: 'A repository of pgBackRest, from which backups of the members are taken: on a host of its own, or on a member.',
  requires: ['pgdg'],
  variables: BACKUP_REPOSITORY_VARIABLES,
  problems: repositoryHostProblems,
  ports: (host) => (isMember(host) ? [] : [backupServerPort(serverPort(host))]),
  observations: ({ host, inventory }) => (isMember(host) ? [] : [reachesPeers(host, inventory), ...asksRuns({ host, inventory })]),
  tls: (host) => (isMember(host) ? undefined : { copies: ({ pgbackrest }) => tlsCopies(pgbackrest) }),
  install: installed,
  stages: (context) => (isMember(context.host) ? [] : [...configuredServer(context), ...writes(context)]),
  guards: (view, credentials) => guardBackups(view, credentials, alone(view)),
  checks: (view) => backupChecks(view, alone(view)),
  remarks: (view, host) => (alone(view).some(({ name }) => name === host) ? backupRemarks(view, host) : []),
  status: (view, host) => (isMember(host) ? [] : backupLines(view, host)),
});
