import { asPatientPgbackrest, pgbackrestWords, type BackupInfoOptions } from './info.js';
import { handle } from '../handle.js';
import { sh } from '../../shell/quote.js';
import { answerLines, type Observation } from '../resource.js';

/** What came of reading a repository. */
export interface BackupVerified {
  repository: number;
  /** Why it could not be read, in pgBackRest's own words. */
  problem?: string;
  backups: number;
  /** WAL files that are as they should be. */
  wal: number;
  /** What is not: a backup or an archive, with how many of its files. */
  wrong: readonly string[];
}

/** The observation's id. */
export const BACKUP_VERIFIED = handle<readonly BackupVerified[]>('backup-verified');

/** Has pgBackRest read everything in repositories, by their numbers, and compare checksums; takes as long as reading takes. */
export function backupVerified(options: BackupInfoOptions, repositories: readonly number[]): Observation<readonly BackupVerified[]> {
  return {
    ...BACKUP_VERIFIED,
    // Its exit code is 0 whatever it finds.
    probe: () => sh`for repository in ${repositories}; do
echo "repository $repository"
${asPatientPgbackrest(options, sh`"--repo=$repository" --output=text --verbose verify`)} 2>&1 || echo "code $?"
echo
done`,
    parse: (answer) => {
      const blocks: string[][] = [];
      for (const line of answerLines(answer)) {
        if (line.startsWith('repository ')) blocks.push([line]);
        else blocks.at(-1)?.push(line);
      }
      return blocks.map(readBlock);
    },
  };
}

const COUNTS = /missing: (\d+), checksum invalid: (\d+), size invalid: (\d+), other: (\d+)/u;

function readBlock([first = '', ...lines]: readonly string[]): BackupVerified {
  const repository = Number(first.split(' ')[1]);
  const code = lines.find((line) => line.startsWith('code '));
  const from = lines.findIndex((line) => line.includes('ERROR: '));
  const error = from < 0 ? '' : pgbackrestWords(lines.slice(from).filter((line) => line !== code));
  let [backups, wal, subject] = [0, 0, ''];
  const wrong: string[] = [];
  for (const line of lines) {
    const archive = /archiveId: (\S+), total WAL checked: \d+, total valid WAL: (\d+)/u.exec(line);
    const backup = /backup: (\S+), status: ([^,]+),/u.exec(line);
    if (archive !== null) {
      subject = `WAL of ${archive[1]}`;
      wal += Number(archive[2]);
    }
    if (backup !== null) {
      subject = backup[1] ?? '';
      backups += 1;
    }
    const counts = COUNTS.exec(line);
    const [missing, checksum, size, other] = (counts ?? []).slice(1).map(Number);
    const bad = [
      ['missing', missing],
      ['with another checksum', checksum],
      ['of another size', size],
      ['that cannot be read', other],
    ].flatMap(([what, files]) => (Number(files ?? 0) > 0 ? [`${files} ${files === 1 ? 'file' : 'files'} ${what}`] : []));
    if (bad.length > 0) wrong.push(`${subject}: ${bad.join(', ')}`);
  }
  const isUnsound = lines.some((line) => /^\s*status: error/u.test(line));
  return {
    repository,
    ...(error === '' && code === undefined ? {} : { problem: error === '' ? `pgBackRest ended with exit ${code}` : error }),
    backups,
    wal,
    wrong: wrong.length === 0 && isUnsound ? ['pgBackRest calls the repository unsound'] : wrong,
  };
}
