import { posix } from 'node:path';
import { defineDiagnosis, type Examination, type Finding } from '../../index.js';
import { archivingSaid } from '../shared/archiving.js';
import { dataPath, serves } from '../shared/leading.js';
import { asEvidence, linesSince, POSTGRESQL_LOGS, sinceFirst, STARTED } from '../shared/lines.js';

const NO_SPACE = /No space left on device/u;

/** What pgBackRest passes on of another host is no matter of this one's file systems. */
const FULL = /(PANIC|FATAL|ERROR): (?!.*raised from remote).*No space left on device|Disk quota exceeded|OSError: \[Errno 28\]/u;

/** Milliseconds for which a server that runs is still thought to suffer. */
const RECENT = 2 * 60_000;

/** PostgreSQL could not write, because a file system was full. */
export default defineDiagnosis({
  name: 'no-space',
  looksAt: 'writes that found no space',
  role: 'postgresql',
  find: (examination) =>
    examination.view.hosts('postgresql').flatMap(({ name: host }): Finding[] => {
      const runs = serves(examination, host);
      const still = runs ? { within: RECENT } : { over: STARTED };
      const lines = linesSince(examination, host, { units: POSTGRESQL_LOGS, pattern: FULL, ...still });
      if (lines.length === 0) return [];
      const path = dataPath(examination, host);
      const places = [path, `${path}/pg_wal`, ...folderOf(lines.at(-1)?.text ?? '', path)];
      return [
        {
          level: 'broken',
          host,
          what: runs ? 'PostgreSQL has just had no space to write' : 'PostgreSQL had no space to write, and went down',
          ...sinceFirst(lines),
          evidence: lines.slice(-2).map(asEvidence),
          follows:
            'a server without space for its WAL stops; a copy that is made anew then removes the data first, and fails at the same place',
          mend: `make room outside of the data: \`df -h ${[...new Set(places)].join(' ')}; du -xah / | sort -h | tail\`, as root on ${host}, shows where it went; never delete anything in pg_wal`,
          explains: ['start-failed', 'member-down', ...(cannotArchiveEither(examination, host) ? ['archiver'] : [])],
        },
      ];
    }),
});

/** WAL is not archived for want of space either; a command that fails for another reason goes on failing once there is room. */
function cannotArchiveEither(examination: Examination, host: string): boolean {
  const { last, cause } = archivingSaid(examination, host, RECENT / 1000);
  return [...last, ...(cause === undefined ? [] : [cause])].some(({ text }) => NO_SPACE.test(text));
}

/** Where the file is that could not be written: in a tablespace, or for temporary files, it may lie on a file system of its own. */
function folderOf(line: string, data: string): string[] {
  const file = /file "([\w./-]+)"/u.exec(line)?.[1];
  return file === undefined ? [] : [posix.dirname(posix.resolve(data, file))];
}
