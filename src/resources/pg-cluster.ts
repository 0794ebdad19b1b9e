import { sh } from '../shell/quote.js';
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
}

/**
 * A data directory made by initdb, with checksums. initdb works in a directory beside it that is renamed
 * when it is complete, so an interrupted run never leaves half a cluster where the server would look;
 * a leftover of one is put aside, never deleted. A data directory that exists is never touched.
 */
export function pgCluster(options: PgClusterOptions): Resource<DataDirectoryState> {
  const { dataDirectory: path, binDirectory, user, group, home } = options;
  const id = `pg-cluster:${path}`;
  const observed = dataDirectory(path, binDirectory);
  const draft = `${path}.pgprov-initdb`;
  return {
    id,
    probe: observed.probe,
    parse: observed.parse,
    diff: (state): Change[] =>
      state.kind === 'cluster'
        ? []
        : [{ action: 'create', summary: `initialise a PostgreSQL ${options.version} cluster with data checksums in ${path}` }],
    apply: () => sh`if [ -e ${path} ]; then
rmdir ${path} || { echo ${`${path} is not empty; initdb does not run over it`}; exit 1; }
fi
if [ -e ${draft} ]; then mv ${draft} ${draft}."$(date +%Y%m%dT%H%M%S)"; fi
mkdir -p "$(dirname ${path})"
mkdir -m 0700 ${draft}
chown ${`${user}:${group}`} ${draft}
${asDatabaseUser({ user, home }, sh`${`${binDirectory}/initdb`} -D ${draft} ${options.initdb}`)}
data=${draft}
${markOwn}
mv -T ${draft} ${path}`,
    digest: () => digestOf(id, options.version, ...options.initdb),
  };
}
