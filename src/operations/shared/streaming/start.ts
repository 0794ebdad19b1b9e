import { enumerate, pgprov, serverStarted, type OperationObjection, type OperationRun, type OperationStep } from '../../../index.js';
import { guardParted, guardStreaming } from '../../../../roles/shared/streaming/guards.js';
import { primaryOf } from '../../../../roles/shared/streaming/seen.js';
import { unitServer } from '../../../../roles/shared/streaming/server-unit.js';
import type { StreamingProcedure } from './procedure.js';
import {
  answers,
  chosenServers,
  isBeingMade,
  isHeld,
  notStreamingWhy,
  serverObservations,
  serverNames,
  serverOn,
  standbysInOrder,
  unitOn,
} from './seen.js';
import { standbyProofs } from './standby-proofs.js';
import { answersGate, streamsGate } from './streams-gate.js';

type Run = OperationRun<object>;

/** Servers that stream without Patroni, started: the primary first. */
export const streamingStart: StreamingProcedure<object> = {
  observations: serverObservations,
  guards: (run) => objections(run).slice(0, 1),
  remaining: (run) => {
    const left = steps(run);
    const up = targets(run).filter((name) => answers(run.view, name) && !isLeft(run, name));
    if (left.length === 0 || up.length === 0) return { steps: left };
    return { steps: left, then: `${enumerate(up)} ${up.length === 1 ? 'runs' : 'run'} already` };
  },
  nothing: (run) => {
    const primary = primaryOf(run.view);
    const all = enumerate(targets(run));
    if (primary?.says === undefined) return `${all} ${targets(run).length === 1 ? 'runs' : 'run'} already; no server takes writes`;
    return `${all} ${targets(run).length === 1 ? 'runs' : 'run'} already, and ${primary.name} is the primary`;
  },
  checks: (run) => {
    const meant = targets(run);
    const isMeant = (host: string | undefined): boolean => host === undefined || meant.includes(host);
    // A standby that was started alone waits for its primary.
    if (!hasPrimary(run))
      return meant.map((host) => ({ host, title: 'PostgreSQL runs', ok: answers(run.view, host), detail: 'as a standby' }));
    return standbyProofs(run).filter(({ host }) => isMeant(host));
  },
};

/** The servers that are to run, among those that can be reached and are whole. */
function targets(run: Run): string[] {
  return chosenServers(run).filter(
    (name) => run.view.surveyed(name) && serverOn(run.view, name) !== undefined && !isBeingMade(run.view, name),
  );
}

/** It is down, or runs and would not at the next boot because it was stopped with pgprov. */
function isLeft({ view }: Run, name: string): boolean {
  return !answers(view, name) || unitOn(view, name)?.held === true;
}

/** The primary runs, or is started first. */
function hasPrimary(run: Run): boolean {
  const primary = primaryOf(run.view);
  return primary !== undefined && (primary.says !== undefined || targets(run).includes(primary.name));
}

function objections(run: Run): OperationObjection[] {
  const { view, inventory } = run;
  const meant = targets(run);
  const outside = meant.find((name) => unitOn(view, name)?.serves === true && unitOn(view, name)?.active === false);
  const found = [...guardStreaming(view), ...guardParted(view).filter(({ host }) => host !== undefined && meant.includes(host))];
  if (found.length > 0) return found;
  if (outside !== undefined) {
    const message = `PostgreSQL on ${outside} runs outside of its unit`;
    return [{ kind: 'refuse', message, hint: `nothing was started; stop it with pg_ctl there, then run this again` }];
  }
  const away = serverNames(run).filter((name) => !view.surveyed(name));
  if (primaryOf(view) !== undefined || away.length === 0 || run.chosenHosts !== undefined) return [];
  const all = targets(run);
  if (!all.some((name) => isLeft(run, name))) return [];
  return [
    {
      kind: 'refuse',
      message: `no server that answers is the primary, and ${enumerate(away)}, which cannot be reached, may be`,
      hint: `bring ${away.length === 1 ? 'it' : 'them'} back and run this again. Standbys can be started without it, for reads: ${pgprov`start ${inventory} --host ${all.join(',')}`}`,
    },
  ];
}

function steps(run: Run): OperationStep[] {
  const { view, done } = run;
  const primary = primaryOf(view)?.name;
  const left = targets(run).filter((name) => isLeft(run, name));
  const standbys = standbysInOrder(run).filter((name) => left.includes(name));
  const first: OperationStep[] =
    primary === undefined || !left.includes(primary)
      ? []
      : [
          {
            id: 'start-primary',
            title: `start PostgreSQL on ${primary}, the primary`,
            on: [primary],
            resources: (context) => [serverStarted(unitServer(context))],
            gates: (context) => [streamsGate(context, [])],
          },
        ];
  const second: OperationStep[] =
    standbys.length === 0
      ? []
      : [
          {
            id: 'start-standbys',
            title: `start PostgreSQL on ${enumerate(standbys)}`,
            ...(hasPrimary(run) ? {} : { effect: 'they serve reads, and wait for a primary' }),
            on: standbys,
            resources: (context) => [serverStarted(unitServer(context))],
            gates: (context) => [hasPrimary(run) ? streamsGate(context, []) : answersGate(context)],
          },
        ];
  const late = targets(run).filter(
    (name) => name !== primary && !left.includes(name) && !isHeld(view, name) && notStreamingWhy(view, name) !== undefined,
  );
  const third: OperationStep[] =
    late.length === 0 || !hasPrimary(run) || done.has('follow')
      ? []
      : [
          {
            id: 'follow',
            title: `wait until ${enumerate(late)} ${late.length === 1 ? 'streams' : 'stream'}`,
            on: late,
            gates: (context) => [streamsGate(context, [])],
          },
        ];
  return [...first, ...second, ...third];
}
