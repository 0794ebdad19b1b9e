import { asDatabaseUser } from '../psql.js';
import { digestOf, type Resource } from '../resource.js';
import { sh, type Script } from '../../shell/quote.js';
import { baseBackup, draftMade, draftOf, emptyDraft, standbyCopy, type StandbyCopyOptions, type StandbyCopyState } from './standby-copy.js';
import { tablespaceCopiesRemoved, tablespacesCopied } from './tablespaces.js';

/** Data of a server that has parted from its primary. */
export interface StandbyRewoundOptions extends StandbyCopyOptions {
  /** Where it lies aside, which stays as it is. */
  from: string;
  /** libpq's words for a database of the primary. */
  source: string;
  /** The server's postgresql.conf; undefined: it is with the data. */
  configFile: string | undefined;
}

/** What a server has in its data directory of its own configuration: pg_rewind brings the other server's. */
const OWN_FILES = ['postgresql.conf', 'postgresql.auto.conf', 'pg_hba.conf', 'pg_ident.conf', 'conf.d'];

/** Nothing of the WAL may be recycled when the server recovers: pg_rewind reads it back to the checkpoint before the fork. */
const KEPT_WAL = '1000TB';

/**
 * The data of a standby, made of a copy of data that has parted from the primary: pg_rewind takes back what the primary has not, and brings what has
 * changed. Where it cannot, the primary is copied.
 */
export function standbyRewound(options: StandbyRewoundOptions): Resource<StandbyCopyState> {
  const { path, from } = options;
  const draft = draftOf(path);
  return {
    ...standbyCopy(path),
    id: `standby-rewound:${path}`,
    diff: ({ copying, copied }) =>
      copying || copied ? [] : [{ action: 'create', summary: `rewind a copy of ${from} with pg_rewind, into ${path}` }],
    apply: () =>
      draftMade(
        options,
        // Within the condition of an if, set -e would be off in the brackets.
        sh`set +e
( ${rewound(options)} )
status=$?
set -e
if [ "$status" != 0 ]; then
echo 'pg_rewind cannot bring this data to the primary, so the primary is copied'
${tablespaceCopiesRemoved(path)}
rm -rf ${draft}
${emptyDraft(options)}
${baseBackup(options)}
fi`,
      ),
    digest: () => digestOf('standby-rewound', path, from),
  };
}

/** Fills the draft from the data aside; a server that did not end cleanly recovers first, which pg_rewind needs. */
export function rewound({ path, from, server, source, configFile }: StandbyRewoundOptions): Script {
  const draft = draftOf(path);
  const { binDirectory } = server;
  const elsewhere = configFile === undefined ? [] : ['-c', `config_file=${configFile}`, '-c', `data_directory=${draft}`];
  const single = ['--single', '-F', '-D', draft, ...elsewhere, '-c', `wal_keep_size=${KEPT_WAL}`, 'template1'];
  const words = ['--target-pgdata', draft, '--source-server', source, '--no-ensure-shutdown'];
  return sh`set -e
rmdir ${draft}
cp -a --reflink=auto ${from} ${draft}
${tablespacesCopied(from, path, draft)}
rm -f ${`${draft}/postmaster.pid`} ${`${draft}/standby.signal`} ${`${draft}/recovery.signal`}
case "$(LC_ALL=C ${`${binDirectory}/pg_controldata`} ${draft} | sed -n 's/^Database cluster state: *//p')" in
'shut down' | 'shut down in recovery') ;;
*) ${asDatabaseUser(server, sh`${`${binDirectory}/postgres`} ${single}`)} </dev/null >/dev/null ;;
esac
${asDatabaseUser(server, sh`${`${binDirectory}/pg_rewind`} ${words}`)}
for each in ${OWN_FILES}; do
if [ -e ${from}/"$each" ]; then
rm -rf ${draft}/"$each"
cp -a ${from}/"$each" ${draft}/"$each"
fi
done`;
}
