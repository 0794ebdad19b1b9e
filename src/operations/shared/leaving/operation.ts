import type { Operation } from '../../../index.js';
import { leaderOf } from '../members.js';
import { serialsOf, unfenced } from './fence.js';
import { leavingObjections } from './guards.js';
import type { LeavingOptions, LeavingRun as Run } from './options.js';
import { leavingProofs } from './proofs.js';
import { isOver } from './over.js';
import { leaderThen, leavingObservations, nameOf } from './seen.js';
import { LEFT_SLOTS_TTL, slotsTtlBefore } from './slots-ttl.js';
import { leavingSteps } from './steps.js';

/** What operations that take a host out of its cluster have in common. */
export const LEAVING = {
  roles: ({ catalog }) => catalog.map(({ name }) => name),
  // What is wrong may be the host that is to go.
  requiresConverged: false,
  unreachable: 'go-on',
  patience: 60,
  observations: leavingObservations,
  choose: chosen,
  guards: leavingObjections,
  remaining: (run) => ({ steps: leavingSteps(run) }),
  nothing: (run) => `${nameOf(run)} is no part of ${run.inventory.cluster}`,
  checks: leavingProofs,
  hinders: LEFT_SLOTS_TTL,
  leaves: (run) => (isOver(run) ? [] : unfenced(run)),
} satisfies Partial<Operation<LeavingOptions>>;

/** Who leads in its place, and what is given back in the end. */
function chosen(run: Run): LeavingOptions {
  const { view, options } = run;
  const to = leaderOf(view) === nameOf(run) ? leaderThen(run) : undefined;
  return { ...options, slotsTtl: slotsTtlBefore(run), serials: serialsOf(run), ...(to === undefined ? {} : { to }) };
}
