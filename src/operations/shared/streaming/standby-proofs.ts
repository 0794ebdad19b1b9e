import { seenServers } from '../../../../roles/shared/streaming/seen.js';
import { enumerate, type CheckResult, type OperationRun } from '../../../index.js';
import { isSingle } from './procedure.js';
import { isBeingMade, isHeld, notStreamingWhy, serverOn, standbysInOrder } from './seen.js';

/** That one server takes writes, and all standbys stream but those that were stopped on purpose. */
export function standbyProofs(run: Pick<OperationRun<object>, 'view' | 'inventory'>): CheckResult[] {
  const { view } = run;
  const open = seenServers(view).filter(({ says }) => says?.standby === false);
  const standbys = standbysInOrder(run).filter(
    (name) => serverOn(view, name) !== undefined && !isHeld(view, name) && !isBeingMade(view, name),
  );
  return [
    {
      title: isSingle(run.inventory) ? 'the server takes writes' : 'one server is the primary',
      ok: open.length === 1,
      detail: open.length === 0 ? 'no server takes writes' : enumerate(open.map(({ name }) => name)),
      settles: true,
    },
    ...standbys.map((host): CheckResult => {
      const why = notStreamingWhy(view, host);
      const detail = why ?? `timeline ${serverOn(view, host)?.says?.timeline}`;
      return { host, title: 'the standby streams', ok: why === undefined, detail, settles: true };
    }),
  ];
}
