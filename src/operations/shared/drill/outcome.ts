import { formatBytes, formatLsn, lsnBytes, pgprov, readWalFile, type CheckResult, type Drill, type DrillNotes } from '../../../index.js';
import { pgbackrestWords } from '../../../index.js';
import { backupAdvice, briefly } from '../../../../roles/shared/backup/trouble.js';
import { infoOf } from '../restore/seen.js';
import { aimWords } from '../restore/target.js';
import { aimOf, isLatest, notesOf, repositoryName, type DrillRun } from './seen.js';

/** Bytes of a WAL file, as PostgreSQL makes them unless it is told otherwise; and of its header. */
const WAL_FILE = 16_777_216;
const WAL_HEADER = 40n;

/** What came of a drill, for its history. */
export function drillOf(run: DrillRun): Drill {
  const { options } = run;
  const notes = notesOf(run);
  const { began = Date.now() / 1000, restored, recovered, over } = notes?.at ?? {};
  const since = (end: number | undefined): number | undefined => (end === undefined ? undefined : Math.round((end - began) * 10) / 10);
  const problems = drillChecks(run).flatMap(({ ok, title, detail }) => (ok ? [] : [`${title}: ${detail}`]));
  const replayed = replayedBytes(notes);
  const behind = behindBytes(run, notes);
  const rpo = rpoSeconds(run, notes);
  return {
    at: new Date(began * 1000).toISOString(),
    on: options.on ?? '',
    backup: options.set ?? '',
    repository: repositoryName(run),
    to: aimWords(aimOf(options)),
    ok: problems.length === 0,
    problems,
    size: options.size ?? 0,
    ...given('restoreSeconds', since(restored)),
    ...given('rtoSeconds', since(recovered)),
    ...given('seconds', since(over)),
    ...given('rpoSeconds', rpo),
    ...(notes?.lastCommit === undefined ? {} : { lastCommit: new Date(notes.lastCommit * 1000).toISOString() }),
    ...given('walReplayed', replayed),
    ...given('walBehind', behind),
    ...(options.check === undefined || notes === undefined ? {} : { answer: notes.answer }),
  };
}

function given<Name extends string>(name: Name, value: number | undefined): Partial<Record<Name, number>> {
  return value === undefined ? {} : ({ [name]: value } as Partial<Record<Name, number>>);
}

function replayedBytes(notes: DrillNotes | undefined): number | undefined {
  const find = (pattern: RegExp): string | undefined =>
    notes?.said.map((line) => pattern.exec(line)?.[1]).find((found) => found !== undefined);
  const from = find(/redo starts at ([0-9A-F]+\/[0-9A-F]+)/u);
  const to = notes?.end?.lsn ?? find(/redo done at ([0-9A-F]+\/[0-9A-F]+)/u);
  return from === undefined || to === undefined ? undefined : Number(lsnBytes(to) - lsnBytes(from));
}

/** WAL that the cluster had written when the drill began, and that was not in the repository. */
function behindBytes({ options }: DrillRun, notes: DrillNotes | undefined): number | undefined {
  if (!isLatest(options) || options.written === undefined || notes?.end === undefined) return undefined;
  const behind = Number(lsnBytes(options.written) - lsnBytes(notes.end.lsn));
  return Math.max(0, behind);
}

/** What was committed before the end of the backup, or before the last commit that was found, is there. */
function rpoSeconds(run: DrillRun, notes: DrillNotes | undefined): number | undefined {
  const { options } = run;
  if (!isLatest(options) || notes?.at.began === undefined || notes.at.recovered === undefined) return undefined;
  if (behindBytes(run, notes) === 0) return 0;
  return Math.max(0, Math.round(notes.at.began - Math.max(notes.lastCommit ?? 0, options.stop ?? 0)));
}

/** What a drill proves; as long as it is not over, what is not known is wrong. What is well needs no advice. */
export function drillChecks(run: DrillRun): CheckResult[] {
  return proofs(run).map(({ mend, ...result }) => (result.ok || mend === undefined ? result : { ...result, mend }));
}

function proofs(run: DrillRun): CheckResult[] {
  const { options, inventory } = run;
  const { on = '', set = '', check } = options;
  const notes = notesOf(run);
  const host = { host: on };
  if (notes?.at.restored === undefined)
    return [{ ...host, title: `backup ${set} can be restored`, ok: false, ...restoreTrouble(run, notes) }];
  const restored: CheckResult = {
    ...host,
    title: `backup ${set} can be restored`,
    ok: true,
    detail: formatBytes(notes.bytes ?? options.size ?? 0),
  };
  const recovers = `PostgreSQL recovers it to ${aimWords(aimOf(options))}, and serves it`;
  if (notes.at.recovered === undefined) return [restored, { ...host, title: recovers, ok: false, ...recoverTrouble(run, notes) }];
  const early = endedEarly(run, notes);
  const recovered: CheckResult = {
    ...host,
    title: recovers,
    ok: early === undefined,
    detail: early ?? recoveryWords(notes),
    ...(early === undefined
      ? {}
      : {
          mend: `${pgprov`backup verify ${inventory}`} finds WAL that is missing or damaged; then take a full backup: ${pgprov`backup ${inventory} --type full`}`,
        }),
  };
  const names = notes.databases.map(({ name }) => name);
  const connects: CheckResult = {
    ...host,
    title: 'every database lets connect',
    ok: notes.failed !== 'connect',
    detail: notes.failed === 'connect' ? `one does not: ${lastWords(notes)}` : names.join(', '),
    mend: damaged(run),
  };
  if (notes.failed === 'connect') return [restored, recovered, connects];
  return [
    restored,
    recovered,
    connects,
    ...soundness(run, notes),
    ...(check === undefined ? [] : [queried(run, notes)]),
    removed(run, notes),
  ];
}

function soundness(run: DrillRun, notes: DrillNotes): CheckResult[] {
  const host = { host: run.options.on ?? '' };
  const { amcheck, checksums, findings, pages } = notes;
  const broken = notes.at.compared === undefined;
  const found = (lines: readonly string[]): string =>
    lines
      .slice(0, 3)
      .map((line) => line.replaceAll(`${run.options.scratch}/data/`, '').trim())
      .join('; ') || brokenOff(notes);
  return [
    {
      ...host,
      title: 'amcheck finds nothing wrong',
      ok: amcheck === 'ok' || amcheck === 'none',
      detail: amcheck === 'ok' ? `${notes.databases.length} databases` : amcheck === 'none' ? NO_AMCHECK : found(findings),
      mend: damaged(run),
    },
    {
      ...host,
      title: 'all page checksums match',
      ok: !broken && (checksums === 'ok' || checksums === 'none'),
      detail: broken
        ? brokenOff(notes)
        : checksums === 'ok'
          ? 'compared after the server was stopped'
          : checksums === 'none'
            ? NO_CHECKSUMS
            : found(pages),
      mend: damaged(run),
    },
  ];
}

const NO_AMCHECK = 'not looked for: pg_amcheck (PostgreSQL 14 and later), or its extension, is not installed there';
const NO_CHECKSUMS = 'not looked for: the database has no page checksums';

/** A query that gives nothing, or false, says that the data is not as it is to be. */
function queried({ options }: DrillRun, { query, answer, ...notes }: DrillNotes): CheckResult {
  const [first = ''] = answer;
  const isTrue = query === 'ok' && answer.some((line) => line !== '') && !(answer.length === 1 && first === 'f');
  const words = answer.map((line) => line.replace(/^psql:<stdin>:\d+: /u, '').trim()).join('; ');
  return {
    host: options.on ?? '',
    title: 'what --check asks is so',
    ok: isTrue,
    detail:
      query === undefined ? brokenOff(notes as DrillNotes) : isTrue ? words : words === '' ? 'it gives nothing' : `it is not: ${words}`,
    mend: 'the backup serves, but its data is not as the query wants it: see whether the cluster itself answers it otherwise',
  };
}

function removed({ options }: DrillRun, { left }: DrillNotes): CheckResult {
  return {
    host: options.on ?? '',
    title: 'what the drill has made is removed',
    ok: left === undefined,
    detail: left ?? options.scratch ?? '',
    mend: 'end that process, and give the command again: it removes what is left',
  };
}

function restoreTrouble(run: DrillRun, notes: DrillNotes | undefined): Pick<CheckResult, 'detail' | 'mend'> {
  const { inventory, options } = run;
  if (notes === undefined) return { detail: 'it cannot: the drill did not begin', mend: `see ${pgprov`ping ${inventory}`}` };
  if (notes.failed !== 'restore') return { detail: `it cannot: ${brokenOff(notes)}`, mend: roomAdvice(notes) };
  if (infoOf(run)?.backups.some(({ label }) => label === options.set) === false)
    return { detail: 'it cannot: it was expired while it was read', mend: 'give the command again: it takes the newest backup' };
  const words = pgbackrestWords(notes.words);
  const isDamaged = /checksum|ChecksumError|flush|decompress|crypto|truncated|unexpected eof|FormatError|LZ4|lz4|zst/iu.test(words);
  return {
    detail: `it cannot: ${briefly(words)}`,
    mend: isDamaged
      ? `the backup is damaged, and cannot be restored: take a full backup at once (${pgprov`backup ${inventory} --type full`}), ${pgprov`backup verify ${inventory}`} says what else is damaged, and look at the disks where the repository is`
      : backupAdvice(words, inventory),
  };
}

function recoverTrouble({ inventory }: DrillRun, notes: DrillNotes): Pick<CheckResult, 'detail' | 'mend'> {
  if (notes.failed !== 'recover') return { detail: `it does not: ${brokenOff(notes)}`, mend: roomAdvice(notes) };
  const unread = notes.words.filter((line) => /P\d+ +ERROR:/u.test(line));
  const said = `${lastWords(notes)}${unread.length === 0 ? '' : ` (pgBackRest: ${briefly(pgbackrestWords(unread))})`}`;
  return {
    detail: `it does not: ${said}`,
    mend: /ended before configured recovery target/u.test(said)
      ? 'no commit as late as that is archived: leave --time out, or give an earlier one'
      : `${pgprov`backup verify ${inventory}`} finds WAL that is missing or damaged; until that is mended, restores fail as this one has`,
  };
}

/** PostgreSQL's own words for why it ended. */
function lastWords({ words }: DrillNotes): string {
  return words.findLast((line) => /FATAL|PANIC|ERROR/u.test(line)) ?? words.at(-1) ?? 'it ended without a word';
}

function brokenOff({ failed, ended, words }: DrillNotes): string {
  if (failed === 'room') return `the disk became full, and it was ended: ${words[0] ?? ''}`;
  if (failed !== undefined) return words.at(-1) ?? `it failed (${failed})`;
  if (ended === 'timeout') return 'it took too long, and was ended';
  if (ended === 'stopped') return 'somebody ended it on the host';
  return ended === undefined ? 'it did not come to that' : `systemd ended it (${ended})`;
}

function roomAdvice({ failed }: DrillNotes): string {
  return failed === 'room' || failed === 'scratch'
    ? 'restore on another host (--on), or into another directory (--directory)'
    : 'give the command again: it begins anew';
}

function damaged({ inventory }: DrillRun): string {
  return `the backup, or already the database, is damaged: ${pgprov`doctor ${inventory}`} says what PostgreSQL has seen of it; keep the backups from before (\`retention_full\`) until that is mended`;
}

function recoveryWords(notes: DrillNotes): string {
  const replayed = replayedBytes(notes);
  const { end, lastCommit } = notes;
  return [
    ...(end === undefined ? [] : [`to ${end.lsn} on timeline ${end.timeline}`]),
    ...(replayed === undefined ? [] : [`${formatBytes(replayed)} of WAL replayed`]),
    ...(lastCommit === undefined ? [] : [`the last commit in it is of ${shown(lastCommit)}`]),
  ].join(', ');
}

function shown(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** PostgreSQL takes the first WAL file that it does not get for the end of the archive, and says nothing. */
function endedEarly({ options }: DrillRun, { end }: DrillNotes): string | undefined {
  const { archived = '', onto = 0 } = options;
  if (!isLatest(options) || end === undefined || Number.parseInt(archived.slice(0, 8), 16) !== onto) return undefined;
  const number = readWalFile(archived, 0x1_0000_0000 / WAL_FILE)?.first;
  if (number === undefined) return undefined;
  const begins = BigInt(number) * BigInt(WAL_FILE);
  if (lsnBytes(end.lsn) > begins + WAL_HEADER) return undefined;
  return `it ended at ${end.lsn}, before the last WAL file that is archived, ${archived}, which begins at ${formatLsn(begins)}: WAL between them cannot be read`;
}
