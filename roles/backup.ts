import { archiving, dataOrigin, defineRole, logPlaceOf } from '../src/index.js';
import { backupContribution } from './shared/backup/contributed.js';
import { guardBackups, guardVersions } from './shared/backup/guards.js';
import { installed } from './shared/backup/install.js';
import { backupProblems, backupWarnings } from './shared/backup/problems.js';
import { hasServer, serverPort } from './shared/backup/repositories.js';
import { configuredServer } from './shared/backup/serve.js';
import { asksRuns } from './shared/backup/schedule.js';
import { backupServerPort } from './shared/backup/server-port.js';
import { backupChecks, backupLines, backupRemarks } from './shared/backup/told.js';
import { writes } from './shared/backup/write.js';
import { guardChanges } from './shared/changes.js';
import { dataDirectoryOf, localServer, tlsCopies } from './shared/layout.js';
import { reachesPeers } from './shared/peers.js';
import { BACKUP_VARIABLES } from './shared/sections/backup.js';

export default defineRole({
  name: 'backup',
  description: 'pgBackRest on every member: WAL goes to the repositories, and backups to those that the members reach by themselves.',
  requires: ['postgresql'],
  variables: BACKUP_VARIABLES,
  problems: backupProblems,
  warnings: backupWarnings,
  contributes: backupContribution,
  ports: (host) => (hasServer(host) ? [backupServerPort(serverPort(host))] : []),
  observations: ({ host, inventory, platform }) => [
    reachesPeers(host, inventory),
    dataOrigin(dataDirectoryOf(host, platform)),
    archiving(localServer(host, platform), logPlaceOf({ host, platform })),
    ...asksRuns({ host, inventory }),
  ],
  tls: (host) => (hasServer(host) ? { copies: ({ pgbackrest }) => tlsCopies(pgbackrest) } : undefined),
  install: installed,
  stages: (context) => [...configuredServer(context), ...writes(context)],
  guards: (view, credentials) => [
    ...guardChanges(view, 'backup'),
    ...guardVersions(view),
    ...guardBackups(view, credentials, view.hosts('backup')),
  ],
  checks: (view) => backupChecks(view, view.hosts('backup')),
  remarks: (view, host) => (view.hosts('backup').some(({ name }) => name === host) ? backupRemarks(view, host) : []),
  status: backupLines,
});
