import { InputError, LockedError } from '../../lib/errors.js';
import { readIdentity } from '../../model/index.js';
import { placesText } from '../../report/runs-text.js';
import { isMasked, maskOverride, overrideKey, type RunHead } from '../../store/journal-format.js';
import { lastRun } from '../../store/run-record.js';
import { summariseRun, type RunSummary } from '../../store/run-summary.js';
import { storeDirectory } from '../../store/store.js';
import { fileDigest } from '../pipeline/journaled.js';
import { selectionOptions, type OutputOptions } from '../options.js';
import { commandLineText } from '../command-line-text.js';
import type { Notice } from '../pipeline/tell.js';

/** How to resume a broken run. */
export interface Resumed<Options> {
  /** What was given now, with the broken run's aim and overrides. */
  options: Options;
  /** Its id. */
  resumes: string;
  /** Which run that is and where it broke, and what is different now. */
  notices: Notice[];
}

/**
 * What `apply --resume` is to do: the last journaled run again, with its aim and overrides. What is left to do is
 * found out by the survey, not from the journal. `nothing` says why there is nothing to do.
 * @throws InputError when no run was journaled, when what is given now is not what that run was given, or when a secret
 * that is not in the journal must be given again, or when it was not an apply; LockedError when it still runs
 */
export async function resumeOptions<Options extends OutputOptions>(
  file: string,
  options: Options,
): Promise<Resumed<Options> | { nothing: string }> {
  const { dir, cluster, file: path } = await readIdentity(file);
  // An operation that never began has left nothing to be finished.
  const record = lastRun(storeDirectory(dir, cluster), ({ head }) => head?.unbegun !== true || head.command === 'apply');
  if (record === undefined) throw noRun(cluster);
  const run = summariseRun(record);
  const { id, head, ending } = run;
  if (ending === 'done') return { nothing: `Nothing to resume: the last run, ${id}, succeeded.` };
  if (head === undefined) throw unreadable(id);
  if (ending === 'running') throw stillRunning(id, head);
  if (head.command !== 'apply') throw notAnApply(id, head);
  const aim = sameAim(head, options);
  const set = sameOverrides(head, options.set ?? []);
  return {
    options: { ...options, ...aim, ...(set.length === 0 ? {} : { set }) },
    resumes: id,
    notices: [
      { type: 'note', text: resumeText(run, head) },
      ...differences(head, path).map((text) => ({ type: 'warning' as const, text })),
    ],
  };
}

const HOW: Readonly<Record<RunSummary['ending'], string>> = {
  done: 'ended well',
  running: 'is under way',
  failed: 'failed',
  refused: 'was refused',
  unreachable: 'did not reach every host',
  locked: 'found hosts locked',
  interrupted: 'was interrupted',
  'broke off': 'broke off',
  unknown: 'has no end',
};

function resumeText({ id, ending, broke }: RunSummary, head: RunHead): string {
  const where = broke.length === 0 ? '' : ` at ${placesText(broke)}`;
  return `resuming run ${id} (${commandLineText(head)}), which ${HOW[ending]}${where}`;
}

function differences({ inventory, plan }: RunHead, path: string): string[] {
  return [
    ...(fileDigest(path) === inventory.sha256
      ? []
      : [
          `the inventory is not as it was in that run${inventory.file === path ? '' : `, which had ${inventory.file}`}; what it says now is applied`,
        ]),
    ...(plan === undefined ? [] : [`that run carried out the plan ${plan}; this one brings the hosts to what the inventory says`]),
  ];
}

/** The run's aim, which what is given now may repeat but not change. */
function sameAim({ aim }: RunHead, options: OutputOptions): object {
  const given = Object.entries(selectionOptions(options)) as [string, readonly string[]][];
  const other = given.find(([option, words]) => [...words].sort().join() !== [...(aim[option] ?? [])].sort().join());
  if (other !== undefined) throw contradiction(`--${other[0] === 'skipRole' ? 'skip-role' : other[0]} ${other[1].join(',')}`, { aim });
  return aim;
}

/** The run's overrides with the secrets among them, which only the command line can give. */
function sameOverrides({ set, aim }: RunHead, given: readonly string[]): string[] {
  const last = (list: readonly string[], key: string): string | undefined => list.findLast((text) => overrideKey(text) === key);
  for (const text of given) {
    const was = last(set, overrideKey(text));
    if (was === undefined || (!isMasked(was) && was !== text)) throw contradiction(`--set ${maskOverride(text)}`, { aim, set });
  }
  const missing = set.filter((text) => isMasked(text) && last(given, overrideKey(text)) === undefined);
  if (missing.length > 0) {
    throw new InputError({
      kind: 'resume/secret-override',
      message: `that run was given ${missing.map((text) => `--set ${text}`).join(' and ')}, and the journal keeps no secrets`,
      hint: `give ${missing.length === 1 ? 'it' : 'them'} again, beside --resume`,
    });
  }
  return set.map((text) => (isMasked(text) ? (last(given, overrideKey(text)) ?? text) : text));
}

function contradiction(given: string, run: Partial<RunHead> & Pick<RunHead, 'aim'>): InputError {
  return new InputError({
    kind: 'resume/contradiction',
    message: `${given} is not what the run to resume was given, which was \`${commandLineText({ command: 'apply', set: [], ...run })}\``,
    hint: 'leave it out, or run apply without --resume',
  });
}

function noRun(cluster: string): InputError {
  return new InputError({
    kind: 'resume/no-run',
    message: `there is no run of cluster ${cluster} to resume: none was journaled here`,
    hint: 'run apply without --resume',
  });
}

function unreadable(id: string): InputError {
  return new InputError({
    kind: 'resume/unreadable',
    message: `the journal of the last run, ${id}, does not say what was asked for`,
    hint: 'run apply without --resume, with the options of that run',
  });
}

function notAnApply(id: string, head: RunHead): InputError {
  return new InputError({
    kind: 'resume/other-command',
    message: `the last run, ${id}, was no apply but \`pgprov ${commandLineText(head)}\``,
    hint: 'run that command again, it continues by itself; or run apply without --resume',
  });
}

function stillRunning(id: string, { user, process: { machine, pid } }: RunHead): LockedError {
  return new LockedError({
    kind: 'resume/running',
    message: `run ${id} is still under way: ${user}@${machine} (process ${pid})`,
    hint: 'wait until it is done',
  });
}
