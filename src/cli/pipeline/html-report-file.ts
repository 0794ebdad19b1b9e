import { closeSync, openSync, rmSync, statSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { asPgprovError, ExitCode, InputError, PgprovError } from '../../lib/errors.js';
import { systemReason } from '../../lib/system-reason.js';
import { renderError } from '../../report/error-text.js';
import type { ReportedRun } from '../../report/html/reported-run.js';
import { mapEvent } from '../../report/map-event.js';
import { printable } from '../../report/printable.js';
import { ofType, type TimedEvent } from '../../report/timings.js';
import { writePrivateNow } from '../../store/files.js';
import { errorLook } from '../colors.js';
import type { Invocation } from './invocation.js';
import type { RunClock } from './timings.js';

/** How a run ended: its exit code, and a word for where its events do not say. */
export interface ReportEnd {
  exitCode: ExitCode | undefined;
  ending: string;
}

/** A page about a run that was asked for. */
export interface ReportFile {
  path: string;
  /**
   * Writes it, whole or not at all, readable by its owner only.
   * @throws PgprovError `report/unwritten` where the disk does not take it
   */
  write(words: Invocation, events: readonly TimedEvent[], end: ReportEnd): void;
}

/**
 * Gets everything ready for a page, before its run starts; undefined when none is asked for.
 * @throws InputError when it could not be written
 */
export async function openReport(path: string | undefined): Promise<ReportFile | undefined> {
  if (path === undefined) return undefined;
  assertWritable(path);
  const { preparePage } = await import('../../report/html/page.js');
  const render = preparePage();
  return {
    path,
    write: (words, events, end) => {
      const page = render(reportedRun(words, events, end));
      try {
        writePrivateNow(path, page);
      } catch (cause) {
        throw unwritten(path, cause);
      }
    },
  };
}

/** What a page is about, besides how it ended. */
export interface ReportedCommand {
  words: Invocation;
  /** Has heard all events of the run so far. */
  clock: Pick<RunClock, 'events'>;
  /** A line says where the page is. */
  told: boolean;
  /** That line goes here; default: stdout. */
  out?: NodeJS.WriteStream;
}

/**
 * Carries out a run that `clock` listens to, and writes its page however it ends, also when a second Ctrl-C ends the
 * process at once. The run matters more: a page that cannot be written after all is told, and changes no exit code.
 */
export async function reported(
  report: ReportFile | undefined,
  { words, clock, told, out = process.stdout }: ReportedCommand,
  run: () => Promise<ExitCode>,
): Promise<ExitCode> {
  if (report === undefined) return run();
  const write = (end: ReportEnd, events = clock.events): boolean => attempt(() => report.write(words, events, end), report.path);
  const leaving = (): void => void write({ exitCode: ExitCode.interrupted, ending: 'interrupted' });
  process.once('exit', leaving);
  try {
    const exitCode = await run();
    const written = write({ exitCode, ending: 'done' });
    if (told && written) out.write(`\nReport: ${report.path}\n`);
    return exitCode;
  } catch (thrown) {
    const error = asPgprovError(thrown);
    const failed: TimedEvent = { type: 'failed', at: new Date().toISOString(), error };
    write({ exitCode: error.exitCode, ending: 'failed' }, [...clock.events, failed]);
    throw thrown;
  } finally {
    process.off('exit', leaving);
  }
}

function attempt(work: () => void, path: string): boolean {
  try {
    work();
    return true;
  } catch (cause) {
    const hint =
      'the run itself is not touched by this; `pgprov runs show INVENTORY last --report FILE` makes the report of a run that was journaled';
    process.stderr.write(`${renderError(unwritten(path, cause, hint), errorLook(process.stderr))}\n`);
    return false;
  }
}

function unwritten(path: string, cause: unknown, hint = 'make room there, or name another file'): PgprovError {
  return new PgprovError({
    kind: 'report/unwritten',
    message: `the report ${path} cannot be written: ${systemReason(cause)}`,
    hint,
    cause,
  });
}

/** Permissions alone do not tell, so a file is really made beside it. */
function assertWritable(path: string): void {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const there = statSync(path, { throwIfNoEntry: false });
    if (there !== undefined && !there.isFile()) throw new Error('it is there already, and no file');
    closeSync(openSync(draft, 'wx', 0o600));
    rmSync(draft);
  } catch (cause) {
    throw new InputError({
      kind: 'report/unwritable',
      message: `the report ${path} cannot be written: ${systemReason(cause)}`,
      hint: 'nothing was done; name a file in a directory that is there and that you may write to',
      cause,
    });
  }
}

function reportedRun(words: Invocation, events: readonly TimedEvent[], { exitCode, ending }: ReportEnd): ReportedRun {
  const clean = events.map(({ at, ...event }): TimedEvent => ({ ...mapEvent(event, printable), at }));
  const [first, last] = [clean[0], clean.at(-1)];
  const began = first === undefined ? undefined : new Date(first.at);
  const fact = (label: string, text: string | undefined): ReportedRun['facts'] =>
    text === undefined ? [] : [{ label, text: printable(text) }];
  return {
    cluster: printable(words.cluster),
    ending,
    at: began,
    ms: ofType(clean, 'run-end').at(-1)?.ms ?? (began === undefined || last === undefined ? 0 : Date.parse(last.at) - began.getTime()),
    command: printable(`pgprov ${words.command}`),
    facts: [
      ...fact('By', words.by),
      ...fact('Exit code', exitCode === undefined ? undefined : String(exitCode)),
      ...fact('Inventory', words.inventory),
      ...fact('Plan', words.plan),
      ...fact('Run', ofType(clean, 'run-start').at(-1)?.run),
      ...fact('Resumes run', words.resumes),
      ...fact('Follows run', words.follows),
      ...fact('pgprov', words.version),
    ],
    events: clean,
  };
}
