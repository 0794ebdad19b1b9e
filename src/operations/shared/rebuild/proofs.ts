import {
  answerText,
  enumerate,
  findRows,
  handle,
  localServer,
  pgprov,
  printAnswer,
  sqlQuestion,
  valueAt,
  type CheckResult,
  type JsonObject,
  type Observation,
  type RoleContext,
} from '../../../index.js';
import { holding } from '../backup/timers.js';
import { answerOf, dynamicOf, leaderOf, listedBy, timelineOf } from '../members.js';
import { withDeadSlot } from './slot.js';
import { copyOn, identifierOf, isBack, isFromBackup, isRestored, type RebuildRun } from './seen.js';

/** Members by their names whose replication slot their leader has in use; undefined while the server is down. */
const SLOTS = handle<readonly string[] | undefined>('slots-in-use');

const SLOTS_QUERY =
  'SELECT r.application_name FROM pg_stat_replication r JOIN pg_replication_slots s ON s.active_pid = r.pid WHERE s.active ORDER BY 1';

/** Asks a server which members’ replication slots are in use there. */
export function slotsInUse({ host, platform }: RoleContext): Observation<readonly string[] | undefined> {
  const question = sqlQuestion(localServer(host, platform), SLOTS_QUERY);
  return {
    ...SLOTS,
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) => findRows(answerText(answer), SLOTS_QUERY),
  };
}

/** Whether the member is as a rebuild is to leave it. */
export function proofs(run: RebuildRun): CheckResult[] {
  const { view, options } = run;
  const { member: host = '', was = '' } = options;
  const leader = leaderOf(view) ?? '';
  const listed = listedBy(view, leader, host);
  const [own, theirs] = [identifierOf(run, host), answerOf(view, leader)?.systemIdentifier];
  const kept = copyOn(view, host).aside[was];
  const slots = view.read(leader, SLOTS) ?? [];
  const dead = withDeadSlot(run);
  const usesSlots = valueAt(dynamicOf(view) as JsonObject, ['postgresql', 'use_slots']) !== false;
  return [
    {
      host,
      title: 'its data is a new copy',
      // Restored over, its PG_VERSION may be the same file as before.
      ok: copyOn(view, host).identity !== was || isRestored(run),
      detail: was === '' ? 'there was none before' : kept === undefined ? 'the old one is not kept' : `the old one is in ${kept}`,
    },
    {
      host,
      title: 'it streams on the leader’s timeline',
      settles: true,
      ok: isBack(run, leader),
      detail: `${listed?.state ?? 'not listed'}, timeline ${listed?.timeline ?? '?'}; ${leader} is on ${timelineOf(view, leader) ?? '?'}`,
    },
    {
      host,
      title: 'it is a copy of the same database',
      ok: own !== undefined && own === theirs,
      detail: `system identifier ${own ?? '?'}`,
    },
    ...(usesSlots
      ? [
          { host, title: `its replication slot on ${leader} is in use`, ok: slots.includes(host), detail: slots.join(', ') || 'none is' },
          {
            host,
            title: 'its replication slots keep WAL',
            ok: dead.length === 0,
            detail: dead.length === 0 ? 'none was invalidated' : `that on ${enumerate(dead)} was invalidated`,
            ...(dead.length === 0
              ? {}
              : { mend: `${pgprov`rebuild ${run.inventory} --host ${host}`} has it made anew while nobody uses it` }),
          },
        ]
      : []),
    ...(isFromBackup(run)
      ? [{ title: 'no scheduled backup is held', ok: holding(run).length === 0, detail: holding(run).join(', ') || 'none is' }]
      : []),
  ];
}
