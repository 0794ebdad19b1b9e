import { sh, type Script } from '../../shell/quote.js';
import { seconds } from '../../shell/patience.js';
import { handle } from '../handle.js';
import { asDatabaseUser, type LocalServer } from '../psql.js';
import { answerText, UnknownAnswer, type Answer, type Observation } from '../resource.js';

/** What pgBackRest says of a stanza, on a host from which it reaches the repositories. */
export interface BackupInfo {
  /** Why it says nothing, in its own words; undefined: it answered. What it says of one repository alone is in `repositories`. */
  problem?: string;
  /** pgBackRest's exit code; 127: it is not installed, 124: it gave no answer in time. */
  code: number;
  /** When it was asked, in seconds by the host's clock, which tells the age of a backup. */
  now: number;
  repositories: readonly RepositoryInfo[];
  /** Of all repositories, oldest first. */
  backups: readonly Backup[];
  archives: readonly BackupArchive[];
  /** A backup that runs, or the `expire` after it; undefined: none that this host knows of. */
  running?: {
    /** Bytes to copy, and those that are copied, as far as it has told: a file counts when it is done. */
    bytes?: number;
    copied?: number;
  };
}

/** One repository, by its number in pgBackRest's configuration. */
export interface RepositoryInfo {
  repository: number;
  /** `ok`; the stanza was never made; there is no backup yet; or it cannot be read, as `message` says. */
  status: 'ok' | 'noStanza' | 'noBackup' | 'failed';
  /** pgBackRest's own words; printable, and no line twice. */
  message: string;
  encrypted: boolean;
  /** Of the databases that the stanza has had, oldest first; more than one after a major upgrade. */
  systemIdentifiers: readonly string[];
}

/** One backup that can be restored. */
export interface Backup {
  /** `20261129-054942F_20261129-054943D`, unique in its repository. */
  label: string;
  type: 'full' | 'diff' | 'incr';
  repository: number;
  /** pgBackRest's number of the database, as in `BackupArchive`. */
  database: number;
  /** Seconds since 1970 by the clock of the server that led, which may be another than that of the host that asks. */
  start: number;
  stop: number;
  /** Bytes of the database. */
  size: number;
  /** Bytes that were copied, because they had changed. */
  delta: number;
  /** Bytes that it takes in the repository, without the backups that it builds on. */
  stored: number;
  /** The first and the last WAL file that a restore of it needs; absent without archive. */
  walStart?: string;
  walStop?: string;
  lsnStop?: string;
  /** Of `walStop`. */
  timeline?: number;
  /** The backups that it builds on, by their labels. */
  needs: readonly string[];
  /** PostgreSQL's page checksums did not match in it. */
  error: boolean;
}

/** The WAL of one database in one repository. */
export interface BackupArchive {
  /** `17-1` */
  id: string;
  repository: number;
  database: number;
  /** The first and the last WAL file of all timelines; absent: there is none. */
  min?: string;
  max?: string;
}

/** The observation's id. */
export const BACKUP_INFO = handle<BackupInfo>('backup-info');

/** What is asked. */
export interface BackupInfoOptions {
  stanza: string;
  /** Whom pgBackRest runs as, and its home. */
  server: Pick<LocalServer, 'user' | 'home'>;
  /** Further options of pgBackRest: of another configuration than the host's own. */
  more?: Script;
}

/** pgBackRest's seconds for one answer of a repository, of which it waits for three when it retries. */
const ANSWERS_WITHIN = 5;

/** The same of a host that is connected and says nothing, of which it waits for two: its own limit is half an hour. */
const HOST_ANSWERS_WITHIN = 15;

/** Seconds for all repositories. */
const WITHIN = 60;

/** Exit codes of a program that is not there, and of `timeout`, which kills what does not end by itself. */
const NOT_INSTALLED = 127;
const NO_ANSWER = [124, 137];

/** Backups, archives and the running backup of a stanza. */
export function backupInfo(options: BackupInfoOptions): Observation<BackupInfo> {
  return {
    ...BACKUP_INFO,
    probe: () => sh`date +%s
if command -v pgbackrest >/dev/null; then
${askInfo(options)}
else
(exit ${NOT_INSTALLED})
fi`,
    parse: (answer) => readInfo(BACKUP_INFO.id, answer, options.stanza),
  };
}

/** Asks pgBackRest for its JSON, which is one line, among others of what goes wrong. */
export function askInfo(options: BackupInfoOptions): Script {
  return sh`timeout -k 2 ${seconds(WITHIN)} ${asPgbackrest(options, sh`--output=json info`)} 2>&1`;
}

/** A question to pgBackRest, as its user; what goes wrong is on standard error, nothing in its log. */
export function asPgbackrest(options: BackupInfoOptions, words: Script): Script {
  return asPatientPgbackrest(options, sh`--protocol-timeout=${seconds(HOST_ANSWERS_WITHIN)} ${words}`);
}

/** The same for what takes long, which may keep another host busy without a word. */
export function asPatientPgbackrest({ stanza, server, more = sh`` }: BackupInfoOptions, words: Script): Script {
  return asDatabaseUser(
    server,
    sh`pgbackrest --stanza=${stanza} --log-level-console=off --log-level-stderr=error --log-level-file=off --io-timeout=${ANSWERS_WITHIN} ${more} ${words}`,
  );
}

function readInfo(id: string, answer: Answer, stanza: string): BackupInfo {
  const [first = '', ...rest] = printableLines(answerText(answer));
  const now = Number(first);
  if (first === '' || Number.isNaN(now)) throw new UnknownAnswer(id, answer);
  const nothing = { code: answer.status, now, repositories: [], backups: [], archives: [] };
  const json = rest.find((line) => line.startsWith('['));
  if (json === undefined) return { ...nothing, problem: problemOf(answer.status, rest) };
  const told = JSON.parse(exactIdentifiers(json)) as Told[];
  const mine = told.find(({ name }) => name === stanza);
  return mine === undefined
    ? { ...nothing, problem: `pgBackRest says nothing of the stanza ${stanza}` }
    : { code: answer.status, now, ...readStanza(mine) };
}

/** Stands for what cannot be printed. */
const UNPRINTABLE = '\uFFFD';

/** pgBackRest quotes what it read, as with a wrong passphrase, and does not escape all control characters, so that it is no JSON then. */
function printableLines(text: string): string[] {
  return text.split('\n').map((line) => line.replaceAll(/\p{Cc}/gu, UNPRINTABLE));
}

/** pgBackRest's words, without the bytes that it quotes and with no line twice. */
function clean(message: string): string {
  const lines = message.split('\n').map((line) => {
    const noise = line.search(/[\p{Cc}\uFFFD]/u);
    return (noise < 0 ? line : `${line.slice(0, line.lastIndexOf(':', noise))}`).trim();
  });
  return [...new Set(lines)].filter((line) => line !== '').join('\n');
}

/** A system identifier has more digits than JavaScript's numbers. */
function exactIdentifiers(json: string): string {
  return json.replaceAll(/"system-id":(\d+)/gu, '"system-id":"$1"');
}

function problemOf(code: number, lines: readonly string[]): string {
  if (code === NOT_INSTALLED) return 'pgBackRest is not installed';
  if (NO_ANSWER.includes(code)) return 'pgBackRest gave no answer in time';
  return pgbackrestWords(lines) || `pgBackRest ended with exit code ${code} and said nothing`;
}

/** pgBackRest's error without the process and the indentation of its further lines. */
export function pgbackrestWords(lines: readonly string[]): string {
  const at = lines.findIndex((line) => line.includes('ERROR:'));
  const said = at < 0 ? lines : lines.slice(at);
  const end = said.findIndex((line, index) => index > 0 && /P\d+ +[A-Z]+:/u.test(line));
  return clean((end < 0 ? said : said.slice(0, end)).map((line) => line.replace(/^.*ERROR: /u, '')).join('\n'));
}

/** A stanza in pgBackRest's JSON, as far as it is read. */
interface Told {
  name: string;
  archive: { database: { id: number; 'repo-key': number }; id: string; max: string | null; min: string | null }[];
  backup: ToldBackup[];
  db: { id: number; 'repo-key': number; 'system-id': string }[];
  repo: { cipher: string; key: number; status: { code: number; message: string } }[];
  status: { lock?: { backup?: { held: boolean; size?: number; 'size-cplt'?: number } } };
}

interface ToldBackup {
  archive: { start: string | null; stop: string | null };
  database: { id: number; 'repo-key': number };
  error?: boolean | null;
  info: { delta: number; size: number; repository: { delta: number } };
  label: string;
  lsn?: { stop: string };
  reference: string[] | null;
  timestamp: { start: number; stop: number };
  type: Backup['type'];
}

/** pgBackRest's codes of a repository's status; it has more of them for what it cannot read. */
const STATUS: Readonly<Record<number, RepositoryInfo['status']>> = {
  0: 'ok',
  1: 'noStanza',
  2: 'noBackup',
  3: 'noStanza',
};

function readStanza({ archive, backup, db, repo, status }: Told): Pick<BackupInfo, 'repositories' | 'backups' | 'archives' | 'running'> {
  const lock = status.lock?.backup;
  return {
    repositories: repo.map((one) => ({
      repository: one.key,
      status: STATUS[one.status.code] ?? 'failed',
      message: clean(one.status.message),
      encrypted: one.cipher !== 'none',
      systemIdentifiers: db.filter((known) => known['repo-key'] === one.key).map((known) => known['system-id']),
    })),
    backups: backup.map(readBackup).sort((one, other) => one.stop - other.stop),
    archives: archive.map(({ id, database, min, max }) => ({
      id,
      repository: database['repo-key'],
      database: database.id,
      ...(min === null ? {} : { min }),
      ...(max === null ? {} : { max }),
    })),
    ...(lock?.held === true
      ? {
          running: {
            ...(lock.size === undefined ? {} : { bytes: lock.size }),
            ...(lock['size-cplt'] === undefined ? {} : { copied: lock['size-cplt'] }),
          },
        }
      : {}),
  };
}

function readBackup({ archive, database, error, info, label, lsn, reference, timestamp, type }: ToldBackup): Backup {
  return {
    label,
    type,
    repository: database['repo-key'],
    database: database.id,
    start: timestamp.start,
    stop: timestamp.stop,
    size: info.size,
    delta: info.delta,
    stored: info.repository.delta,
    ...(archive.start === null ? {} : { walStart: archive.start }),
    ...(archive.stop === null ? {} : { walStop: archive.stop, timeline: Number.parseInt(archive.stop.slice(0, 8), 16) }),
    ...(lsn === undefined ? {} : { lsnStop: lsn.stop }),
    needs: reference ?? [],
    error: error === true,
  };
}
