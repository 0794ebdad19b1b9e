import { asDatabaseUser } from '../psql.js';
import { digestOf, type Resource } from '../resource.js';
import { sh, type Script } from '../../shell/quote.js';
import { draftMade, draftOf, standbyCopy, type StandbyCopyOptions, type StandbyCopyState } from './standby-copy.js';

/** The data of a standby, as a backup has it. */
export interface StandbyRestoredOptions extends Pick<StandbyCopyOptions, 'path' | 'server' | 'group'> {
  stanza: string;
  /** pgBackRest's options: which backup. */
  words: readonly string[];
  /** Data of the same database aside, which stays as it is: what it has as the backup has it is not fetched; undefined: there is none. */
  from: string | undefined;
}

/** The data of a standby, restored from a backup: it replays what was archived since by its own restore_command, and then streams. */
export function standbyRestored(options: StandbyRestoredOptions): Resource<StandbyCopyState> {
  const { path, words } = options;
  return {
    ...standbyCopy(path),
    id: `standby-restored:${path}`,
    diff: ({ copying, copied }) => (copying || copied ? [] : [{ action: 'create', summary: `restore a backup into ${path}` }]),
    apply: () => draftMade(options, restored(options)),
    digest: () => digestOf('standby-restored', path, ...words),
  };
}

/** Fills the draft; whatever the data aside has beyond the backup is taken out of its copy. */
export function restored({ path, server, stanza, words, from }: StandbyRestoredOptions): Script {
  const draft = draftOf(path);
  const own = [`--stanza=${stanza}`, `--pg1-path=${draft}`, '--type=none', '--delta', '--log-level-console=info'];
  const begun =
    from === undefined
      ? sh``
      : sh`rmdir ${draft}
cp -a --reflink=auto ${from} ${draft}
rm -f ${['postmaster.pid', 'standby.signal', 'recovery.signal'].map((name) => `${draft}/${name}`)}
`;
  return sh`${begun}${asDatabaseUser(server, sh`pgbackrest ${[...own, ...words]} restore`)}`;
}
