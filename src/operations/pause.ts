import { defineOperation, enumerate, type CheckResult, type Objection, type OperationRun } from '../index.js';
import { dcsOf } from '../../roles/shared/dcs-of.js';
import { answerOf } from './shared/members.js';
import { awaited, change, isPaused, SEEN_WITHIN, silent, THEN_SEEN, unaware } from './shared/maintenance.js';

type Run = OperationRun<object>;

export default defineOperation({
  name: 'pause',
  description: 'begin maintenance mode: Patroni fails nothing over, and starts and stops no PostgreSQL, until `pgprov resume`',
  options: {},
  roles: ({ inventory }) => [dcsOf(inventory).role, 'patroni'],
  requiresConverged: false,
  unreachable: 'go-on',
  keptInStore: true,
  patience: SEEN_WITHIN,
  guards: (run) => [...objections(run), ...awaited(run, true)],
  remaining: (run) => {
    const steps = change(run, true, {
      title: `put ${run.inventory.cluster} into maintenance mode`,
      effect: 'clients notice nothing; a leader that fails is not replaced, and what is stopped by hand stays down',
    });
    return steps.length === 0 ? { steps } : { steps, then: THEN_SEEN };
  },
  nothing: ({ inventory }) => `${inventory.cluster} is in maintenance mode already; \`pgprov resume ${inventory.file}\` ends it`,
  checks: (run) => proofs(run),
  finished: (run) => {
    const away = silent(run);
    const missed = away.length === 0 ? '' : `; Patroni on ${enumerate(away)} does not answer, and sees it when it is back`;
    return `${run.inventory.cluster} is in maintenance mode until \`pgprov resume ${run.inventory.file}\`${missed}`;
  },
});

function objections({ view, inventory }: Run): Objection[] {
  const members = view.hosts('patroni');
  if (members.some(({ name }) => answerOf(view, name) !== undefined) || isPaused(view) === true) return [];
  return [
    {
      kind: 'refuse',
      message: 'Patroni answers on no member, so there is nothing that maintenance mode could hold back',
      hint: `nothing was changed; see \`pgprov status ${inventory.file}\``,
    },
  ];
}

function proofs({ view }: Run): CheckResult[] {
  const late = unaware(view, true);
  return [
    {
      title: 'maintenance mode is on, and Patroni on every member knows',
      ok: isPaused(view) === true && late.length === 0,
      detail: isPaused(view) !== true ? 'it is off' : late.length === 0 ? 'pause: true' : `not on ${enumerate(late)}`,
    },
  ];
}
