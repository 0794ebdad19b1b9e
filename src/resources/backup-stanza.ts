import { enumerate } from '../lib/enumerate.js';
import { seconds } from '../shell/patience.js';
import { sh } from '../shell/quote.js';
import { backupInfo, type BackupInfo, type BackupInfoOptions } from './backup-info.js';
import { asDatabaseUser } from './psql.js';
import { digestOf, type Resource } from './resource.js';

/** pgBackRest's errors that pass once PostgreSQL leads somewhere and pgBackRest's servers are up: no connection, no primary, service gone. */
const PASSES = '\\[(049|056|102)\\]';

/** Seconds for which the primary is waited for. */
const WITHIN = 90;

/** A stanza, and where it is to be. */
export interface BackupStanzaOptions extends BackupInfoOptions {
  /** pgBackRest's numbers of the repositories that the host writes to. */
  repositories: readonly number[];
}

/** A stanza in every repository that the host writes to. It is the observation of what pgBackRest says of it, too. */
export function backupStanza({ stanza, server, repositories: written }: BackupStanzaOptions): Resource<BackupInfo> {
  const create = asDatabaseUser(server, sh`pgbackrest --stanza=${stanza} --log-level-console=warn --log-level-stderr=off stanza-create`);
  return {
    ...backupInfo({ stanza, server }),
    diff: ({ problem, repositories }) => {
      // Before pgBackRest is installed and configured it has nothing to say.
      const lacking =
        problem === undefined ? repositories.filter(({ status }) => status === 'noStanza').map(({ repository }) => repository) : written;
      const names = enumerate(lacking.map((number) => `repo${number}`));
      return lacking.length === 0 ? [] : [{ action: 'run', summary: `make the stanza ${stanza} in ${names}` }];
    },
    apply: () => sh`began=$(date +%s)
until said=$(${create} 2>&1); do
if ! printf '%s\n' "$said" | grep -Eq ${PASSES} || [ "$(($(date +%s) - began))" -ge ${seconds(WITHIN)} ]; then
printf '%s\n' "$said"
exit 1
fi
sleep 1
done`,
    digest: () => digestOf('backup-stanza', stanza),
  };
}
