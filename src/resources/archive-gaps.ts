import type { BackupInfoOptions } from './backup-info.js';
import { handle } from './handle.js';
import { asDatabaseUser } from './psql.js';
import { answerLines, type Observation } from './resource.js';
import { seconds } from '../shell/patience.js';
import { joinScripts, sh } from '../shell/quote.js';

/** WAL files that a repository lacks between others that it has, whatever their timelines: the first and the last, without the timeline. */
export interface ArchiveGap {
  repository: number;
  /** 16 hexadecimal digits: `000000000000002A`. */
  from: string;
  to: string;
}

/** The observation's id; undefined: the archive could not be listed. */
export const ARCHIVE_GAPS = handle<readonly ArchiveGap[] | undefined>('archive-gaps');

/** Where the archive is listed. */
export interface ArchiveGapsOptions extends BackupInfoOptions {
  /** pgBackRest's numbers. */
  repositories: readonly number[];
}

/** Seconds in which a repository is listed, which has a file for every 16 MiB of WAL. */
const LISTED_WITHIN = 120;

/** Reads numbers and counts up, where files have the usual 16 MiB; awk knows no hexadecimal digits. */
const FIND_GAPS = `function number(text, i, value) {
value = 0
for (i = 1; i <= length(text); i++) value = value * 16 + index("0123456789ABCDEF", substr(text, i, 1)) - 1
return value
}
function name(value) { return sprintf("%08X%08X", int(value / 256), value % 256) }
{ now = number(substr($0, 1, 8)) * 256 + number(substr($0, 9, 8)) }
NR > 1 && now > last + 1 { print "gap=" repository " " name(last + 1) " " name(now - 1) }
{ last = now }
END { print "listed=" repository }`;

/** What the repositories of a host lack of WAL in between. */
export function archiveGaps({
  stanza,
  repositories,
  server,
  more = sh``,
}: ArchiveGapsOptions): Observation<readonly ArchiveGap[] | undefined> {
  return {
    ...ARCHIVE_GAPS,
    when: 'start',
    probe: () =>
      joinScripts(
        repositories.map((repository) => {
          const list = sh`timeout ${seconds(LISTED_WITHIN)} pgbackrest --stanza=${stanza} --repo=${repository} --log-level-console=off --log-level-stderr=off ${more} repo-ls`;
          return sh`id=$(${asDatabaseUser(server, sh`${list} ${`archive/${stanza}`}`)} 2>/dev/null | grep -xE '[0-9]+-[0-9]+' | sort -t - -k 2n | tail -n 1)
[ -z "$id" ] || ${asDatabaseUser(server, sh`${list} --recurse ${`archive/${stanza}/`}"$id"`)} 2>/dev/null |
sed -n 's/^.*\/[0-9A-F]\{8\}\([0-9A-F]\{16\}\)-[0-9a-f]\{40\}.*$/\1/p' | sort -u |
awk -v repository=${repository} ${FIND_GAPS}`;
        }),
      ),
    parse: (answer) => {
      const lines = answerLines(answer);
      if (!repositories.every((repository) => lines.includes(`listed=${repository}`))) return undefined;
      return lines.flatMap((line): ArchiveGap[] => {
        const [, repository, from = '', to = ''] = /^gap=(\d+) (\w+) (\w+)$/u.exec(line) ?? [];
        return repository === undefined ? [] : [{ repository: Number(repository), from, to }];
      });
    },
  };
}
