import {
  logFilesOf,
  savedFile,
  savedFiles,
  savedOutput,
  sh,
  topologyOf,
  type RoleContext,
  type SavedPart,
  type SnapshotForm,
} from '../../src/index.js';
import { dataDirectoryOf } from './layout.js';
import { standaloneCluster } from './standalone.js';
import { unitSaves } from './unit-saves.js';
import { variables } from './variables.js';

/** Lines of PostgreSQL's own log files. */
const LINES = 2000;

/** What a snapshot keeps of PostgreSQL: its configuration, what pg_control says, the history of its timelines, and in full its log. */
export function serverSaves(context: RoleContext, { form }: { form: SnapshotForm }): SavedPart[] {
  const { host, platform } = context;
  const { version, name } = variables(host, 'postgresql');
  const { binDirectory, standalone, unit } = platform.postgresql(version);
  const data = dataDirectoryOf(host, platform);
  const isAlone = topologyOf(host) !== 'patroni';
  const configuration = isAlone ? standaloneCluster(context).configDirectory : data;
  const file = isAlone && standalone.by === 'postgresql-common' ? { file: standalone.logFile(name) } : {};
  return [
    savedFile('postgresql/PG_VERSION', `${data}/PG_VERSION`),
    ...['postgresql.conf', 'pg_hba.conf'].map((each) => savedFile(`postgresql/${each}`, `${configuration}/${each}`)),
    // Patroni puts its own lines into postgresql.conf, and keeps what initdb wrote here.
    savedFile('postgresql/postgresql.base.conf', `${configuration}/postgresql.base.conf`, { optional: true }),
    savedFile('postgresql/pg_ident.conf', `${configuration}/pg_ident.conf`, { optional: true }),
    savedFile('postgresql/postgresql.auto.conf', `${data}/postgresql.auto.conf`),
    savedOutput('postgresql/pg_controldata.txt', sh`LC_ALL=C ${`${binDirectory}/pg_controldata`} ${data}`),
    savedFiles('postgresql/pg_wal', `${data}/pg_wal`, sh`*.history`),
    ...(form === 'light'
      ? []
      : [savedOutput('postgresql/log.txt', logFilesOf({ data, ...file }, { since: 0, lines: LINES, follow: false }))]),
    ...(isAlone ? unitSaves('postgresql', unit(name), form) : []),
  ];
}
