import { enumerate, type OperationStep } from '../../../index.js';
import { isUp, mayStart, primaryOf, writerOf } from '../servers.js';
import { members, type RestoreRun } from './seen.js';
import { streamsGate } from './standbys.js';
import { serverReleased, servesGate, serverStarts } from './unmanaged.js';

/**
 * Servers without Patroni run again with what they had, the primary first; one that had nothing may be made anew.
 * @param isAway their data is not in its place yet, which says who is the primary
 */
export function serverSteps(run: RestoreRun, isAway: boolean): { steps: OperationStep[]; then?: string } {
  const { view, options } = run;
  const all = members(run);
  const had = all.filter((host) => (options.was?.[host] ?? '') !== '');
  const isLeft = (host: string): boolean => isAway || !isUp(view, host) || !mayStart(view, host);
  const release = releaseStep(all.filter((host) => !had.includes(host) && !mayStart(view, host)));
  if (isAway && all.length > 1) return { steps: release, then: 'then the primary is started, and its standbys when it takes writes' };
  const primary = all.length === 1 ? had[0] : (writerOf(view) ?? primaryOf(view));
  const first = had.filter((host) => host === primary && isLeft(host));
  const others = had.filter((host) => host !== primary && isLeft(host));
  return { steps: [...release, ...firstStep(first), ...othersStep(others)] };
}

function releaseStep(on: readonly string[]): OperationStep[] {
  if (on.length === 0) return [];
  return [
    { id: 'release', title: `let PostgreSQL on ${enumerate(on)} be started again`, on, resources: (context) => [serverReleased(context)] },
  ];
}

function firstStep(on: readonly string[]): OperationStep[] {
  if (on.length === 0) return [];
  return [
    {
      id: 'start-first',
      title: `start PostgreSQL on ${enumerate(on)}, and wait until it takes writes`,
      on,
      resources: (context) => [serverStarts(context)],
      gates: (context) => [servesGate(context)],
    },
  ];
}

function othersStep(on: readonly string[]): OperationStep[] {
  if (on.length === 0) return [];
  return [
    {
      id: 'start-others',
      title: `start PostgreSQL on ${enumerate(on)}, and wait until ${on.length === 1 ? 'it streams' : 'they stream'}`,
      on,
      resources: (context) => [serverStarts(context)],
      gates: (context) => [streamsGate(context)],
    },
  ];
}
