import { ExitCode, InputError, PgprovError } from '../../lib/errors.js';
import type { Inventory } from '../../model/index.js';
import { answerOf, asksHistory, leaderOf, patroniHosts, STEP_ENDINGS } from '../../operations/index.js';
import type { View } from '../../plan/view.js';
import { reignsOf, type HistoryRun, type Present } from '../../report/history.js';
import { renderHistory } from '../../report/history-text.js';
import { renderError } from '../../report/error-text.js';
import { PATRONI_HISTORY, type TimelineEnd } from '../../resources/patroni/history.js';
import { readRuns, type RunRecord } from '../../store/run-record.js';
import { summariseRun } from '../../store/run-summary.js';
import { errorLook } from '../colors.js';
import { commandLineText } from '../command-line-text.js';
import type { CommonOptions } from '../options.js';
import { clusterRun } from '../pipeline/cluster-run.js';
import { THIS_PROCESS } from '../pipeline/environment.js';
import { Pipeline } from '../pipeline/pipeline.js';
import { pgprov } from '../../lib/pgprov-command.js';

/** Options of `pgprov history`. */
export interface HistoryOptions extends CommonOptions {
  json?: boolean;
}

/** `pgprov history`: the timelines of the cluster, and the runs of pgprov between their beginnings. Any member can tell. */
export async function history(file: string, options: HistoryOptions, environment = THIS_PROCESS): Promise<ExitCode> {
  const pipeline = await Pipeline.open(file, options, environment);
  const { inventory, store } = pipeline;
  assertMembers(inventory);
  return pipeline.carryOut({
    command: 'history',
    shows: 'answer',
    tells: ['warning'],
    go: clusterRun(pipeline, {
      selection: { roles: ['patroni'] },
      mode: 'survey',
      observations: (context) => [asksHistory(context)],
    }),
    answer: ({ exitCode, errors, view }) => {
      const seen = seenOf(view);
      if (seen === undefined) {
        // What keeps the hosts from answering says more than that none has.
        const all = errors.length > 0 ? errors : [silent(inventory)];
        environment.err.write(all.map((error) => `${renderError(error, errorLook(environment.err))}\n`).join(''));
        return exitCode === ExitCode.done ? ExitCode.hostFailed : exitCode;
      }
      const runs = runsOf(store);
      const timelines = reignsOf(seen.ends, runs, seen.now);
      pipeline.print(
        options.json === true
          ? JSON.stringify({ cluster: inventory.cluster, timelines, runs }, undefined, 2)
          : renderHistory(timelines, runs, errorLook(environment.out), new Date()),
      );
      return ExitCode.done;
    },
  });
}

/** @throws InputError where nothing has a history */
function assertMembers(inventory: Inventory): void {
  if (patroniHosts(inventory).length > 0) return;
  throw new InputError({
    kind: 'history/no-member',
    message: `no host of ${inventory.cluster} has the role patroni, and it is Patroni that notes who led`,
    hint: `${pgprov`runs ${inventory}`} lists the runs of pgprov`,
  });
}

function silent({ cluster, file }: Inventory): PgprovError {
  return new PgprovError({
    kind: 'history/silent',
    message: `no Patroni of ${cluster} answers, so nobody tells who led`,
    hint: `see ${pgprov`status ${file}`}`,
  });
}

/** What the first member that answers has; the present leader comes first, because it writes the history. */
function seenOf(view: View | undefined): { ends: readonly TimelineEnd[]; now: Present } | undefined {
  if (view === undefined) return undefined;
  const leader = leaderOf(view);
  const names = view.hosts('patroni').map(({ name }) => name);
  const all = [...names.filter((name) => name === leader), ...names.filter((name) => name !== leader)];
  const ends = all.flatMap((name) => {
    const told = view.read(name, PATRONI_HISTORY);
    return told === undefined ? [] : [told];
  })[0];
  if (ends === undefined) return undefined;
  return { ends, now: { leader, timeline: leader === undefined ? undefined : answerOf(view, leader)?.timeline } };
}

/** The oldest first. */
function runsOf(store: string): HistoryRun[] {
  return readRuns(store)
    .filter(({ head }) => head?.unbegun !== true)
    .reverse()
    .map(historyRun);
}

/** A run as the history has it. */
export function historyRun(record: RunRecord): HistoryRun {
  const { id, head, ms, ending, changes } = summariseRun(record);
  const command = head === undefined ? 'a run' : commandLineText({ ...head, set: [] });
  return { id, command, at: head?.at, ms, ending: ending === 'done' ? endingOf(record) : ending, changes };
}

/** A run that only has something done later, or not at all, has not done it. */
function endingOf({ events }: RunRecord): string {
  const ended = events.flatMap((event) =>
    event.type === 'step-end' && event.result === 'changed' ? (STEP_ENDINGS[event.stage] ?? []) : [],
  );
  return ended[0] ?? 'done';
}
