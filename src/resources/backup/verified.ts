import { asPatientPgbackrest, pgbackrestWords, type BackupInfoOptions } from './info.js';
import { printLabels } from './labels.js';
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
    // Its exit code is 0 whatever it finds. A backup whose directory is gone it leaves out, and one that ends or expires meanwhile is in one list alone.
    probe: () => sh`for repository in ${repositories}; do
echo "repository $repository"
before=$(${printLabels(options)})
${asPatientPgbackrest(options, sh`"--repo=$repository" --output=text --verbose verify`)} 2>&1 || echo "code $?"
echo
after=" $(${printLabels(options)} | tr '\n' ' ')"
for label in $before; do case "$after" in *" $label "*) echo "listed $label" ;; esac; done
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
  const subjects: Subject[] = [];
  const said: string[] = [];
  for (const line of lines) {
    const subject = readArchive(line) ?? readBackup(line);
    const counts = COUNTS.exec(line);
    if (subject !== undefined) subjects.push(subject);
    else if (counts !== null) subjects.at(-1)?.bad.push(...readCounts(counts));
    else if (!/^(?:stanza: |status: |listed |code |$)/u.test(line.trim())) said.push(line.trim());
  }
  const labels = subjects.flatMap(({ label }) => label ?? []);
  const gone = lines.flatMap((line) => {
    const [, label = ''] = /^listed (\S+)$/u.exec(line) ?? [];
    return label === '' || labels.includes(label) ? [] : [`${label}: it is in the list of backups, and its directory is not there`];
  });
  const wrong = [
    ...subjects.flatMap(({ what, bad, otherwise }) => {
      const words = bad.length > 0 ? bad.join(', ') : otherwise;
      return words === undefined ? [] : [`${what}: ${words}`];
    }),
    ...gone,
  ];
  const isUnsound = lines.some((line) => /^\s*status: error/u.test(line));
  return {
    repository,
    ...(error === '' && code === undefined ? {} : { problem: error === '' ? `pgBackRest ended with exit ${code}` : error }),
    backups: labels.length,
    wal: subjects.reduce((sum, { wal = 0 }) => sum + wal, 0),
    wrong: wrong.length === 0 && isUnsound ? [['pgBackRest calls the repository unsound', ...said].join(': ')] : wrong,
  };
}

/** An archive or a backup that was read. */
interface Subject {
  what: string;
  /** Of a backup. */
  label?: string;
  /** Of an archive: its files that are as they should be. */
  wal?: number;
  /** How many of its files are not as they should be, and how. */
  bad: string[];
  /** What is wrong with it where nothing is wrong with its files. */
  otherwise?: string;
}

function readArchive(line: string): Subject | undefined {
  const [, id, total = 0, valid = 0] = /archiveId: (\S+), total WAL checked: (\d+), total valid WAL: (\d+)/u.exec(line) ?? [];
  if (id === undefined) return undefined;
  const twice = Number(total) - Number(valid);
  return {
    what: `WAL of ${id}`,
    wal: Number(valid),
    bad: [],
    ...(twice > 0 ? { otherwise: `${twice} files of one name with different contents` } : {}),
  };
}

function readBackup(line: string): Subject | undefined {
  const [, label, status = ''] = /backup: (\S+), status: ([^,]+),/u.exec(line) ?? [];
  if (label === undefined) return undefined;
  const otherwise = status === 'manifest missing' ? 'its manifest is missing' : 'its manifest cannot be read';
  return { what: label, label, bad: [], ...(status === 'manifest missing' || status === 'invalid' ? { otherwise } : {}) };
}

function readCounts(counts: RegExpExecArray): string[] {
  const [missing, checksum, size, other] = counts.slice(1).map(Number);
  const found = [
    ['missing', missing],
    ['with another checksum', checksum],
    ['of another size', size],
    ['that cannot be read', other],
  ] as const;
  return found.flatMap(([what, files = 0]) => (files > 0 ? [`${files} ${files === 1 ? 'file' : 'files'} ${what}`] : []));
}
