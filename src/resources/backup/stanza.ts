import { enumerate } from '../../lib/enumerate.js';
import { seconds } from '../../shell/patience.js';
import { sh, type Script } from '../../shell/quote.js';
import { backupInfo, type BackupInfo, type BackupInfoOptions, type RepositoryInfo } from './info.js';
import { asDatabaseUser } from '../psql.js';
import { digestOf, type Resource } from '../resource.js';

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
  return {
    ...backupInfo({ stanza, server }),
    diff: ({ problem, repositories }) => {
      // Before pgBackRest is installed and configured it has nothing to say.
      const lacking =
        problem === undefined ? repositories.filter(({ status }) => status === 'noStanza').map(({ repository }) => repository) : written;
      const names = enumerate(lacking.map((number) => `repo${number}`));
      return lacking.length === 0 ? [] : [{ action: 'run', summary: `make the stanza ${stanza} in ${names}` }];
    },
    apply: () => patiently({ stanza, server }, 'stanza-create'),
    digest: () => digestOf('backup-stanza', stanza),
  };
}

/** Stanzas that are of another database than the one that is there now are given that, and keep the backups of the former; others are made. */
export function stanzaUpgraded({ repositories: written, ...options }: BackupStanzaOptions, identifier: string): Resource<BackupInfo> {
  const { stanza } = options;
  const id = 'stanza-upgraded';
  const there = ({ repositories }: BackupInfo): RepositoryInfo[] => repositories.filter(({ repository }) => written.includes(repository));
  const isOther = ({ systemIdentifiers }: RepositoryInfo): boolean =>
    systemIdentifiers.length > 0 && systemIdentifiers.at(-1) !== identifier;
  return {
    ...backupInfo(options),
    id,
    diff: (info) => {
      const names = (some: readonly RepositoryInfo[]): string => enumerate(some.map(({ repository }) => `repo${repository}`));
      const others = there(info).filter(isOther);
      const lacking = there(info).filter(({ systemIdentifiers }) => systemIdentifiers.length === 0);
      return [
        ...(others.length === 0
          ? []
          : [{ action: 'run' as const, summary: `give the stanza ${stanza} in ${names(others)} the new database` }]),
        ...(lacking.length === 0 ? [] : [{ action: 'run' as const, summary: `make the stanza ${stanza} in ${names(lacking)}` }]),
      ];
    },
    apply: (_changes, info) => patiently(options, there(info).some(isOther) ? 'stanza-upgrade' : 'stanza-create'),
    digest: () => digestOf(id, stanza, identifier),
  };
}

/** Runs a command of pgBackRest that asks the database that leads, which may just come up. */
function patiently({ stanza, server }: BackupInfoOptions, words: 'stanza-create' | 'stanza-upgrade'): Script {
  const command = asDatabaseUser(server, sh`pgbackrest --stanza=${stanza} --log-level-console=warn --log-level-stderr=off ${words}`);
  return sh`began=$(date +%s)
until said=$(${command} 2>&1); do
if ! printf '%s\n' "$said" | grep -Eq ${PASSES} || [ "$(($(date +%s) - began))" -ge ${seconds(WITHIN)} ]; then
printf '%s\n' "$said"
exit 1
fi
sleep 1
done`;
}
