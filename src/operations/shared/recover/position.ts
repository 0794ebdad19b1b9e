import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { formatLsn, joinScripts, leaderPosition, lsnBytes, type OperationStep, type Resource, type Script } from '../../../index.js';
import { mostLag, storeOf } from '../members.js';
import { firstOf, usableData, workingLeader, type RecoverRun } from './seen.js';

/**
 * Patroni lets no member lead that is more than `maximum_lag_on_failover` behind what the last leader noted. Where that WAL is given up, the note
 * is put back to what there is; `quiet` holds right before.
 */
export function positionStep(run: RecoverRun, quiet: Script): OperationStep[] {
  const { view } = run;
  const first = firstOf(view);
  const noted = storeOf(view)?.leaderPosition;
  const last = usableData(view).find(({ host }) => host.name === first)?.data.position?.lastRecord;
  if (first === undefined || noted === undefined || last === undefined || workingLeader(view) !== undefined) return [];
  const bytes = Number(lsnBytes(last));
  const lost = noted - bytes;
  if (lost <= mostLag(view)) return [];
  return [
    {
      id: 'position',
      title: `put the position of the last leader in ${dcsOf(run.inventory).name} back from ${formatLsn(noted)} to ${last}, which ${first} has`,
      effect: `at least ${lost} bytes of WAL are lost, with the commits in them`,
      on: [first],
      resources: (context) => {
        const resource = leaderPosition({ keys: dcsOf(run.inventory).keys(context), bytes });
        return [
          { ...resource, apply: (changes, state) => joinScripts([quiet, resource.apply(changes, state)]) } as typeof resource as Resource,
        ];
      },
    },
  ];
}
