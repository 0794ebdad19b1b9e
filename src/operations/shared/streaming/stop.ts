import {
  enumerate,
  pgprov,
  serverStopped,
  type OperationObjection,
  type OperationRun,
  type OperationStep,
  type View,
} from '../../../index.js';
import { isPrimary } from '../../../../roles/shared/streaming/seen.js';
import { unitServer } from '../../../../roles/shared/streaming/server-unit.js';
import { endedCleanly } from '../ended-cleanly.js';
import type { StopOptions } from '../stopped.js';
import type { StreamingProcedure } from './procedure.js';
import { chosenServers, serverNames, serverObservations, serverOn, unitOn } from './seen.js';
import { commitsWait } from './waiting-commits.js';

type Run = OperationRun<StopOptions>;

/** Servers that stream without Patroni, stopped until they are started again: standbys first, the primary last. */
export const streamingStop: StreamingProcedure<StopOptions> = {
  observations: serverObservations,
  guards: objections,
  choose: (run) => ({ ...run.options, up: targets(run).filter((name) => isUp(run.view, name)) }),
  remaining: (run) => ({ steps: steps(run) }),
  nothing: (run) => `PostgreSQL is stopped on ${enumerate(targets(run))} already`,
  checks: (run) => {
    const { view, options } = run;
    return targets(run).map((host) => endedCleanly(view, host, { isUp: isUp(view, host), wasUp: options.up?.includes(host) !== false }));
  },
  finished: (run) => {
    const { inventory } = run;
    const all = targets(run);
    const start = pgprov`start ${inventory} ${isWhole(run) ? [] : ['--host', all.join(',')]}`;
    const [are, they] = all.length === 1 ? ['is', 'it stays'] : ['are', 'they stay'];
    return `PostgreSQL on ${enumerate(all)} ${are} stopped, and ${they} so when ${all.length === 1 ? 'its host boots' : 'their hosts boot'}; ${start} starts ${all.length === 1 ? 'it' : 'them'} again, and so does ${pgprov`apply ${inventory}`}`;
  },
};

/** The servers that are meant, where there is one, or a unit that would start one. */
function targets(run: Run): string[] {
  const { view } = run;
  return chosenServers(run).filter((name) => !view.surveyed(name) || serverOn(view, name) !== undefined || isUp(view, name));
}

function isUp(view: View, host: string): boolean {
  const unit = unitOn(view, host);
  return unit !== undefined && (unit.active || unit.serves);
}

function isWhole(run: Run): boolean {
  return chosenServers(run).length === serverNames(run).length;
}

/** Whatever the servers are to each other, they may be stopped: it is what two primaries need. */
function objections(run: Run): OperationObjection[] {
  const { view } = run;
  const refuse = (message: string, hint: string): OperationObjection[] => [{ kind: 'refuse', message, hint }];
  const away = targets(run).filter((name) => !view.surveyed(name));
  if (away.length > 0) {
    const rest = targets(run).filter((name) => view.surveyed(name));
    const [it, answers] = away.length === 1 ? ['it', 'it answers'] : ['them', 'they answer'];
    return refuse(
      `${enumerate(away)} cannot be reached, so nobody knows what runs there, and ${away.length === 1 ? 'it' : 'they'} cannot be stopped`,
      `run this again when ${answers}${rest.length === 0 ? '' : `; where the host is off, leave ${it} out: --host ${rest.join(',')}`}`,
    );
  }
  const up = targets(run).filter((name) => isUp(view, name));
  const standbys = up.filter((name) => !isWriter(view, name));
  if (standbys.length === 0 || standbys.length < up.length || commitsWait(run, []) || !commitsWait(run, standbys)) return [];
  return refuse(
    `commits of the primary wait for synchronous standbys, and without ${enumerate(standbys)} there are too few: no commit would end`,
    'leave enough of them up, stop all servers, or take them out of replication.synchronous first',
  );
}

/** It takes writes, or would after its start. */
function isWriter(view: View, host: string): boolean {
  const server = serverOn(view, host);
  return server !== undefined && isPrimary(server);
}

function steps(run: Run): OperationStep[] {
  const { view } = run;
  const left = targets(run).filter((name) => isUp(view, name) || unitOn(view, name)?.held !== true);
  const primaries = left.filter((name) => isWriter(view, name));
  const standbys = left.filter((name) => !primaries.includes(name));
  const others = serverNames(run).filter((name) => !targets(run).includes(name) && isUp(view, name));
  const stays =
    others.length === 0 ? 'no server runs' : `${enumerate(others)} ${others.length === 1 ? 'runs' : 'run'} on, and nobody takes over`;
  const step = (id: string, on: string[], what: string, effect: string): OperationStep[] =>
    on.length === 0
      ? []
      : [
          {
            id,
            title: `stop PostgreSQL on ${enumerate(on)}${what}`,
            effect,
            on,
            resources: (context) => [serverStopped(unitServer(context))],
          },
        ];
  return [
    ...step('stop-standbys', standbys, '', `connections to ${standbys.length === 1 ? 'it' : 'them'} are cut`),
    ...step('stop-primary', primaries, ', the primary', `nobody takes writes: ${stays}`),
  ];
}
