import {
  ownershipTrouble,
  controlTrouble,
  DATA_OWNERSHIP,
  dataOwned,
  dataDirectoryOf,
  enumerate,
  formatLsn,
  lsnBytes,
  WAL_KEPT,
  type OperationStep,
  type View,
} from '../../../index.js';
import { variables } from '../../../../roles/shared/variables.js';
import { answerOf, notStreamingWhy } from '../members.js';
import { dataOf, firstOf, identifierOf, workingLeader, type RecoverRun } from './seen.js';

/** A member that cannot be brought back with the data that it has. */
export interface LeftMember {
  host: string;
  /** A clause that follows the name. */
  why: string;
}

/** Members that cannot be brought back with the data that they have. */
export function leftMembers({ view }: RecoverRun): LeftMember[] {
  const identifier = identifierOf(view);
  return dataOf(view).flatMap(({ host, data }) => {
    const trouble = controlTrouble(data);
    const version = String(variables(host, 'postgresql').version);
    if (trouble !== undefined) return [{ host: host.name, why: `has data that cannot be read (${trouble})` }];
    if (data.systemIdentifier !== identifier)
      return [{ host: host.name, why: `has data of another cluster (system identifier ${data.systemIdentifier})` }];
    if (data.version !== version)
      return [{ host: host.name, why: `has data of PostgreSQL ${data.version}, and the cluster’s is ${version}` }];
    return walGone(view, host.name);
  });
}

/**
 * A member that needs WAL which its leader has removed, and has no archive to get it from. Where its last record is the last one of its segment, the
 * next segment is enough, so one segment that is gone proves nothing.
 */
function walGone(view: View, host: string): LeftMember[] {
  const leader = workingLeader(view) ?? firstOf(view);
  if (leader === undefined || leader === host || (workingLeader(view) !== undefined && notStreamingWhy(view, leader, host) === undefined))
    return [];
  const [own, kept] = [view.read(host, WAL_KEPT), view.read(leader, WAL_KEPT)];
  const at = positionOf(view, host);
  if (kept?.oldest === undefined || own?.restores !== false || at === undefined) return [];
  const needed = Math.floor(at / kept.segmentBytes);
  if (needed + 1 >= kept.oldest) return [];
  const from = formatLsn(kept.oldest * kept.segmentBytes);
  return [{ host, why: `has WAL up to ${formatLsn(at)}, and ${leader} has only what comes from ${from} on` }];
}

/** How far in the WAL a member is, in bytes, whether or not its server runs. */
function positionOf(view: View, host: string): number | undefined {
  const { received, replayed } = answerOf(view, host)?.wal ?? {};
  if (received !== undefined || replayed !== undefined) return Math.max(received ?? 0, replayed ?? 0);
  const last = dataOf(view).find((each) => each.host.name === host)?.data.position?.lastRecord;
  return last === undefined ? undefined : Number(lsnBytes(last));
}

/** Members whose data PostgreSQL's user cannot use are given it back. */
export function accessSteps(run: RecoverRun): OperationStep[] {
  const { view } = run;
  const troubled = view.hosts('patroni').flatMap(({ name }) => {
    const access = view.read(name, DATA_OWNERSHIP);
    const trouble = access === undefined ? undefined : ownershipTrouble(access);
    const isCluster = dataOf(view).some(({ host }) => host.name === name);
    return trouble === undefined || !isCluster ? [] : [{ name, trouble }];
  });
  if (troubled.length === 0) return [];
  return [
    {
      id: 'data-access',
      title: `give PostgreSQL its data back on ${enumerate(troubled.map(({ name }) => name))}`,
      effect: troubled.map(({ name, trouble }) => `${name}: ${trouble}`).join('; '),
      on: troubled.map(({ name }) => name),
      resources: (context) => {
        const { user, group } = context.platform.patroni;
        return [dataOwned({ path: dataDirectoryOf(context.host, context.platform), user, group })];
      },
    },
  ];
}
