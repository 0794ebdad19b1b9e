import {
  enumerate,
  pgprov,
  serverRestart,
  type CheckResult,
  type HostStep,
  type OperationObjection,
  type RoleContext,
} from '../../../index.js';
import { guardStreaming } from '../../../../roles/shared/streaming/guards.js';
import { primaryOf } from '../../../../roles/shared/streaming/seen.js';
import { unitServer } from '../../../../roles/shared/streaming/server-unit.js';
import { poolChecks, resumeEarly, withPausedPools, withPoolRoles } from '../pause-pools.js';
import { brokenWords, returnTitle } from '../update/back.js';
import { choiceObjections, choose } from '../update/choice.js';
import { updateProblems } from '../update/guards.js';
import { packageAsks } from '../update/asked.js';
import { canGoBack, formerOf, missing, targetsOf, toHold, type UpdateRun, type UpdateOptions } from '../update/options.js';
import { finishedWords, nothingWords, programChecks } from '../update/proofs.js';
import { fetchStep, hasTarget, installStep, isOld, switching } from '../update/steps.js';
import { isSingle, type StreamingProcedure } from './procedure.js';
import { pendingOn } from './restart-seen.js';
import {
  answers,
  downstreamOf,
  isBeingMade,
  isHeld,
  notStreamingWhy,
  serverNames,
  serverObservations,
  standbysInOrder,
  unitOn,
} from './seen.js';
import { standbyProofs } from './standby-proofs.js';
import { answersGate, streamsGate } from './streams-gate.js';
import { waitingCommits } from './waiting-commits.js';

/**
 * Newer packages for servers without Patroni: the standbys one after the other, then the primary, which stays that. A server that stands alone is a
 * primary without standbys.
 */
export const streamingUpdate: StreamingProcedure<UpdateOptions> = {
  single: true,
  more: (start) => withPoolRoles([], start),
  observations: (context, start) => [...serverObservations(context), ...packageAsks(context, start)],
  problems: updateProblems,
  guards: (run) => objections(run).slice(0, 1),
  choose,
  remaining: (run) => ({ steps: withPausedPools(run, steps(run)) }),
  back: (run) => {
    const resumed = resumeEarly(run);
    if (resumed.length > 0) return resumed;
    return serverNames(run)
      .filter((name) => run.view.surveyed(name) && isFailed(run, name) && canGoBack(run, name))
      .map((name) => returnStep(run, name))
      .slice(0, 1);
  },
  nothing: nothingWords,
  checks: (run) => [...proofs(run), ...poolChecks(run)],
  finished: finishedWords,
  broken: (run, { touched }) => Promise.resolve(touched ? brokenWords(run) : undefined),
};

function steps(run: UpdateRun): HostStep[] {
  const primary = primaryOf(run.view)?.name;
  const standbys = standbysInOrder(run).filter((name) => !isBeingMade(run.view, name));
  const restart = (name: string): HostStep[] => (isDue(run, name) ? [restartStep(run, name, name === primary)] : []);
  // Nobody writes until it is back.
  const first = primary !== undefined && isLeftDown(run, primary) ? restart(primary) : [];
  return [
    ...first,
    ...fetchStep(run),
    ...standbys.flatMap((name) => [...installStep(run, name), ...restart(name)]),
    ...(primary === undefined || first.length > 0 ? [] : [...installStep(run, primary), ...restart(primary)]),
  ];
}

/** It runs an older program than is installed, or will be. One that was stopped on purpose takes the new one when it is started. */
function isDue(run: UpdateRun, name: string): boolean {
  return isLeftDown(run, name) || (answers(run.view, name) && isOld(run, name, 'postgresql'));
}

/** The update has begun, and the server does not answer, so its restart is what brings it back. */
function isLeftDown(run: UpdateRun, name: string): boolean {
  const isBegun = run.done.size > 0 || run.resumed === true;
  const { view } = run;
  return isBegun && hasTarget(run, name, ['postgresql']) && !answers(view, name) && !isHeld(view, name) && !isBeingMade(view, name);
}

function restartStep(run: UpdateRun, name: string, isPrimary: boolean): HostStep {
  return {
    id: `restart-${name}`,
    title: `restart PostgreSQL on ${name}${isPrimary && !isSingle(run.inventory) ? ', the primary' : ''}`,
    effect: isPrimary
      ? isSingle(run.inventory)
        ? `PostgreSQL on ${name} is down until it has restarted, and there is no other server: every connection is cut, reads and writes fail`
        : `every connection to ${name} is cut, and writes fail until it is up again`
      : [`clients that read from ${name} are cut`, waitingCommits(run, [name])].join('; '),
    on: [name],
    ...(isPrimary ? { measuresWriteGap: true as const } : {}),
    resources: (context) => [restarting(run, context, isPrimary)],
    gates: (context) => [isSingle(run.inventory) ? answersGate(context) : streamsGate(context, followers(run, name))],
  };
}

function restarting(run: UpdateRun, context: RoleContext, isPrimary: boolean): ReturnType<typeof serverRestart> {
  const { name: host } = context.host;
  const before = unitOn(run.view, host)?.start ?? '';
  return serverRestart({ ...unitServer(context), host, as: isPrimary ? 'primary' : 'standby', before, takeBack: '' });
}

/** Who has to stream from a server after its restart. */
function followers(run: UpdateRun, name: string): string[] {
  return downstreamOf(run, name).filter((other) => !isHeld(run.view, other) && !isBeingMade(run.view, other) && !isLeftDown(run, other));
}

/** Half of the new packages are installed, or the server does not come up with them. */
function isFailed(run: UpdateRun, name: string): boolean {
  if (missing(run, name, formerOf(run, name)).length === 0) return false;
  return missing(run, name, targetsOf(run, name)).length > 0 || isLeftDown(run, name);
}

function returnStep(run: UpdateRun, name: string): HostStep {
  const isPrimary = primaryOf(run.view)?.name === name;
  return {
    id: `return-${name}`,
    title: returnTitle(run, name),
    on: [name],
    resources: (context) => [
      switching(context, formerOf(run, name), { back: true, hold: toHold(run, name) }),
      ...(isHeld(run.view, name) ? [] : [restarting(run, context, isPrimary)]),
    ],
    gates: (context) => (isHeld(run.view, name) ? [] : [isSingle(run.inventory) ? answersGate(context) : streamsGate(context, [])]),
  };
}

function objections(run: UpdateRun): OperationObjection[] {
  const { view, inventory, done } = run;
  const alone = isSingle(inventory) ? serverNames(run)[0] : undefined;
  const found = alone === undefined ? guardStreaming(view) : [];
  if (found.length > 0) return found;
  const isBegun = done.size > 0 || run.resumed === true;
  const primary = primaryOf(view)?.name;
  if (primary === undefined || (!answers(view, primary) && !isLeftDown(run, primary)))
    return [
      {
        kind: 'refuse',
        message: noPrimaryWords(primary, alone),
        hint: `nothing ${isBegun ? 'more ' : ''}was changed; see ${pgprov`status ${inventory}`}`,
        settles: true,
      },
    ];
  const isWaiting = serverNames(run).some((name) => isLeftDown(run, name));
  return [...(isWaiting ? [] : notStreaming(run)), ...(isBegun ? [] : [...choiceObjections(run), ...pending(run)])];
}

function noPrimaryWords(primary: string | undefined, alone: string | undefined): string {
  if (primary === undefined) return alone === undefined ? 'no server is the primary' : `${alone} has no server that takes writes`;
  return `${primary}${alone === undefined ? ', the primary,' : ''} takes no connections`;
}

/** While one server is down no other one is restarted; one that was stopped on purpose counts as not there. */
function notStreaming(run: UpdateRun): OperationObjection[] {
  const { view, inventory } = run;
  const name = standbysInOrder(run).find(
    (each) => !isHeld(view, each) && !isBeingMade(view, each) && notStreamingWhy(view, each) !== undefined,
  );
  if (name === undefined) return [];
  return [
    {
      kind: 'refuse',
      message: `${name} does not stream: ${notStreamingWhy(view, name)}; while one server is down no other one is updated`,
      hint: `nothing more was changed; the log of PostgreSQL on ${name} says why, and ${pgprov`status ${inventory}`} shows the servers`,
      settles: true,
    },
  ];
}

/** A setting that waits for a restart would come with the update, and where that fails nobody knew which of the two it was. */
function pending(run: UpdateRun): OperationObjection[] {
  const waiting = serverNames(run).filter((name) => pendingOn(run, name).length > 0);
  if (waiting.length === 0) return [];
  return [
    {
      kind: 'refuse',
      message: `PostgreSQL on ${enumerate(waiting)} waits for a restart that brings settings, which would come with the new version`,
      hint: `run ${pgprov`restart ${run.inventory} --pending`} first, so that it is known what a failure came from`,
    },
  ];
}

function proofs(run: UpdateRun): CheckResult[] {
  const held = (host: string | undefined): boolean => host !== undefined && isHeld(run.view, host);
  return [...programChecks(run).filter(({ host }) => !held(host)), ...standbyProofs(run)];
}
