import { sh, type Script } from '../shell/quote.js';
import { asDatabaseUser } from './psql.js';
import { digestOf, type Change, type Resource } from './resource.js';
import { dataDirectory, markOwn, type DataDirectoryState } from './data-directory.js';

/** A cluster that pgprov initialises itself, on a host without Patroni. */
export interface PgClusterOptions {
  version: number;
  dataDirectory: string;
  binDirectory: string;
  user: string;
  group: string;
  home: string;
  /** Words for initdb, without -D. */
  initdb: readonly string[];
  /** PGDG's script for EL that runs initdb; without it initdb is run as it is. Takes no white space in the path. */
  setupScript?: string;
}

/**
 * A data directory made by initdb, with checksums. initdb works in a directory beside it that is renamed
 * when it is complete, so an interrupted run never leaves half a cluster where the server would look;
 * a leftover of one is put aside, never deleted. A data directory that exists is never touched.
 */
export function pgCluster(options: PgClusterOptions): Resource<DataDirectoryState> {
  const { dataDirectory: path, binDirectory, user, group, home } = options;
  const id = `pg-cluster:${path}`;
  const observed = dataDirectory({ path, binDirectory, user });
  const draft = `${path}.pgprov-initdb`;
  return {
    id,
    sharedQuestions: observed.sharedQuestions,
    probe: observed.probe,
    parse: observed.parse,
    diff: (state): Change[] =>
      state.kind === 'cluster'
        ? []
        : [{ action: 'create', summary: `initialise a PostgreSQL ${options.version} cluster with data checksums in ${path}` }],
    apply: () => sh`if [ -e ${path} ]; then
rmdir ${path} || { printf '%s\n' ${`${path} is not empty; initdb does not run over it`}; exit 1; }
fi
if [ -e ${draft} ]; then mv ${draft} ${draft}."$(date +%Y%m%dT%H%M%S)"; fi
mkdir -p "$(dirname ${path})"
mkdir -m 0700 ${draft}
chown ${`${user}:${group}`} ${draft}
${options.setupScript === undefined ? asDatabaseUser({ user, home }, sh`${`${binDirectory}/initdb`} -D ${draft} ${options.initdb}`) : setUp(options, options.setupScript, draft)}
data=${draft}
${markOwn}
mv -T ${draft} ${path}`,
    digest: () => digestOf(id, options.version, ...options.initdb),
  };
}

/** A unit that only names the draft as its PGDATA, which is where PGDG's script learns what to initialise. */
const SETUP_UNIT = 'pgprov-initdb';

function setUp({ version, home, initdb }: PgClusterOptions, script: string, draft: string): Script {
  const unitFile = `/etc/systemd/system/${SETUP_UNIT}.service`;
  return sh`printf '%s\n' '[Service]' Type=oneshot ${`Environment=PGDATA=${draft}`} ExecStart=/bin/true >${unitFile}
trap 'rm -f ${unitFile}; systemctl daemon-reload' EXIT
systemctl daemon-reload
if ! PGSETUP_INITDB_OPTIONS=${initdb.join(' ')} ${script} initdb ${SETUP_UNIT}; then
tail -n 5 ${`${home}/${version}/initdb.log`} 2>/dev/null || :
exit 1
fi`;
}
