import { ExitCode } from '../../lib/errors.js';
import { pgprov } from '../../lib/pgprov-command.js';
import { readIdentity } from '../../model/index.js';
import { renderRunHead, renderRuns, replayRun, type RunFrame } from '../../report/runs-text.js';
import { timeRun } from '../../report/timings.js';
import { findRun, readRuns, type RunRecord } from '../../store/run-record.js';
import { summariseRun, type RunSummary } from '../../store/run-summary.js';
import { storeDirectory } from '../../store/store.js';
import { colors, errorLook } from '../colors.js';
import { openReport } from '../pipeline/html-report-file.js';
import { commandLineText } from '../command-line-text.js';
import type { CommonOptions } from '../options.js';
import { continuing } from '../continuing.js';
import { tellTimings, type ReportOptions, type TimingOptions } from '../pipeline/timings.js';
import { looksLikeInventory } from '../usual-inventory.js';

/** Options of `pgprov runs`. */
export interface RunsOptions extends CommonOptions {
  json?: boolean;
}

/** Options of `pgprov runs show`. */
export type ShowRunOptions = RunsOptions & TimingOptions & ReportOptions;

/** `pgprov runs`: the journaled runs, newest first. */
export async function runs(file: string, options: RunsOptions): Promise<ExitCode> {
  const { store, cluster } = await storeOf(file);
  const records = readRuns(store);
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(records.map(asJson), undefined, 2)}\n`);
  } else if (records.length === 0) {
    process.stdout.write(`No run of cluster ${cluster} was recorded yet; ${pgprov`apply ${file}`} records one.\n`);
  } else {
    process.stdout.write(`${renderRuns(records.map(listed), { ...errorLook(process.stdout), now: new Date() })}\n`);
  }
  return ExitCode.done;
}

/** `pgprov runs show`: one run, as it was told when it happened, or where its time went. */
export async function showRun(file: string, id: string, options: ShowRunOptions): Promise<ExitCode> {
  const { store, cluster } = await storeOf(file);
  const record = findRun(store, id, file);
  if (options.report !== undefined) return writeReport(options.report, record, cluster);
  if (options.json === true) {
    process.stdout.write(record.lines.map((line) => `${line}\n`).join(''));
    if (options.timings === true) tellTimings(timeRun(record.events), true);
    return ExitCode.done;
  }
  const color = colors(process.stdout);
  const run = framed(record);
  if (options.timings === true) {
    process.stdout.write(`${renderRunHead(run, { color }).join('\n')}\n`);
    tellTimings(timeRun(record.events), false);
    return ExitCode.done;
  }
  const blocks = [renderRunHead(run, { color }), replayRun(record.events, errorLook(process.stdout)), advice(run, record, file)];
  process.stdout.write(
    `${blocks
      .filter((lines) => lines.length > 0)
      .map((lines) => lines.join('\n'))
      .join('\n\n')}\n`,
  );
  return ExitCode.done;
}

/** What the words of `runs show` name; one alone is the inventory or the run. */
export function namesOnLine(first: string | undefined, second: string | undefined): { inventory: string | undefined; id: string } {
  if (second !== undefined) return { inventory: first, id: second };
  if (first === undefined || looksLikeInventory(first)) return { inventory: first, id: 'last' };
  return { inventory: undefined, id: first };
}

/** Makes the page of a run from its journal. */
async function writeReport(path: string, record: RunRecord, cluster: string): Promise<ExitCode> {
  const report = await openReport(path);
  const { exitCode } = summariseRun(record);
  const { ending, ...run } = framed(record);
  report?.write({ ...run, cluster }, record.events, { exitCode, ending });
  process.stdout.write(`Report: ${path}\n`);
  return ExitCode.done;
}

async function storeOf(file: string): Promise<{ store: string; cluster: string }> {
  const { dir, cluster } = await readIdentity(file);
  return { store: storeDirectory(dir, cluster), cluster };
}

function advice({ ending }: RunFrame, { head }: RunRecord, file: string): string[] {
  if (ending !== 'broke off' && ending !== 'unknown') return [];
  const again = continuing(head ?? { command: 'apply', aim: {}, set: [] }, file, true);
  return [`The journal ends here. \`${again}\` continues from there.`];
}

function framed(record: RunRecord): RunFrame {
  const { id, head, ending, ms, changes, broke } = summariseRun(record);
  return {
    id,
    at: head === undefined ? undefined : new Date(head.at),
    ms: ending === 'running' && head !== undefined ? Date.now() - Date.parse(head.at) : ms,
    command: head === undefined ? 'apply' : commandLineText(head),
    ending,
    changes,
    broke,
    by: head === undefined ? undefined : `${head.user}@${head.process.machine} (process ${head.process.pid})`,
    version: head?.pgprov,
    inventory: head?.inventory.file,
    resumes: head?.resumes,
    follows: head?.follows,
    plan: head?.plan,
  };
}

/** A line of the list has no room for overrides. */
function listed(record: RunRecord): RunFrame {
  const run = framed(record);
  return record.head === undefined ? run : { ...run, command: commandLineText({ ...record.head, set: [] }) };
}

function asJson(record: RunRecord): object {
  const { head, ...rest }: RunSummary = summariseRun(record);
  const { type: _type, schema: _schema, id: _id, ...words } = head ?? {};
  return { ...rest, ...words };
}
