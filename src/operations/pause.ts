import { pgprov, type OperationObjection, type OperationRun } from '../index.js';
import { isPaused, modeOperation } from './shared/maintenance.js';
import { answerOf } from './shared/members.js';
import { untilUp } from './shared/passing.js';

export default modeOperation({
  name: 'pause',
  description: 'begin maintenance mode: Patroni fails nothing over, and starts and stops no PostgreSQL, until `pgprov resume`',
  paused: true,
  objections,
  words: ({ inventory }) => ({
    title: `put ${inventory.cluster} into maintenance mode`,
    effect: 'clients notice nothing; a leader that fails is not replaced, and what is stopped by hand stays down',
  }),
  nothing: ({ inventory }) => `${inventory.cluster} is in maintenance mode already; ${pgprov`resume ${inventory}`} ends it`,
  finished: ({ inventory }, missed) =>
    `${inventory.cluster} is in maintenance mode until ${pgprov`resume ${inventory}`}${missed === undefined ? '' : `; ${missed}`}`,
});

function objections({ view, inventory }: OperationRun<object>): OperationObjection[] {
  const names = view.hosts('patroni').map(({ name }) => name);
  if (names.some((name) => answerOf(view, name) !== undefined) || isPaused(view) === true) return [];
  return untilUp(view, names, [
    {
      kind: 'refuse',
      message: 'Patroni answers on no member, so there is nothing that maintenance mode could hold back',
      hint: `nothing was changed; see ${pgprov`status ${inventory}`}`,
    },
  ]);
}
