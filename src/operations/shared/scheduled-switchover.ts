import {
  isSchedule,
  patroniSchedule,
  patroniUnscheduled,
  pgprov,
  type OperationObjection,
  type OperationRun,
  type OperationStep,
  type RestCredentials,
  type RoleContext,
} from '../../index.js';
import { accountsOf, restApiUrl } from '../../../roles/shared/layout.js';
import { cutsConnections, takesUpPending } from './hand-over.js';
import { cannotLead, handingOverObjections } from './handing-over.js';
import { anyAnswering, leaderOf, scheduledOf } from './members.js';
import { utcText } from './moment.js';

/** A switchover that Patroni carries out when its time has come. */
export interface ScheduledOptions {
  /** The member that is to lead; absent for one to be chosen. */
  to?: string;
  /** When Patroni is to do it; once chosen, in ISO 8601 with a zone. */
  at?: string;
  /** Chosen: who led when it began. */
  leader?: string;
}

type Run = OperationRun<ScheduledOptions>;

/** Why it cannot be scheduled; nothing where it is, or need not be any more. */
export function cannotSchedule(run: Run): OperationObjection[] {
  const { view, done, options } = run;
  const { to, at = '' } = options;
  const leader = leaderOf(view);
  if (done.has('schedule') || (leader !== undefined && scheduleSteps(run).length === 0)) return [];
  const common = handingOverObjections(run);
  if (common.length > 0 || leader === undefined) return common;
  if (leader === to) return [{ kind: 'refuse', message: `${to} leads already`, hint: 'name another member with --to, or leave it out' }];
  if (Date.parse(at) <= Date.now()) {
    const hint = 'give a time that is to come; one that was chosen before is forgotten with --give-up';
    return [{ kind: 'refuse', message: `${utcText(at)} has passed, and nothing was scheduled for it`, hint }];
  }
  return to === undefined ? [] : cannotLead(run, leader, to);
}

/** Why none can be taken back. */
export function cannotCancel({ view, inventory }: Run): OperationObjection[] {
  if (anyAnswering(view) !== undefined) return [];
  return [
    {
      kind: 'refuse',
      message: 'no member’s Patroni answers, so nothing can be cancelled',
      hint: `see ${pgprov`status ${inventory}`}`,
    },
  ];
}

/** What schedules it. */
export function scheduleSteps({ view, done, options: { to, at = '', leader: before } }: Run): OperationStep[] {
  const leader = leaderOf(view);
  const [scheduled, pick] = [scheduledOf(view), to === undefined ? {} : { candidate: to }];
  // Who has taken the lead meanwhile did so because of it, or leaves nothing to be handed over.
  if (leader === undefined || leader !== before || isSchedule(scheduled, { ...pick, at }) || done.has('schedule')) return [];
  return [
    {
      id: 'schedule',
      title: `have Patroni hand the lead from ${leader} to ${to ?? 'the best standby'} at ${utcText(at)}`,
      effect: `nothing now; at that time ${cutsConnections(leader)}${takesUpPending(view, leader)}`,
      on: [leader],
      resources: (context) => [patroniSchedule({ ...restOf(context), leader, at, ...pick })],
    },
  ];
}

/** What takes back the one that is scheduled. */
export function cancelSteps({ view }: Run): OperationStep[] {
  const [scheduled, member] = [scheduledOf(view), anyAnswering(view)];
  if (scheduled === undefined || member === undefined) return [];
  return [
    {
      id: 'cancel',
      title: `cancel the switchover to ${scheduled.to ?? 'the best standby'} that is scheduled for ${utcText(scheduled.at)}`,
      on: [member],
      resources: (context) => [patroniUnscheduled(restOf(context))],
    },
  ];
}

/** What is scheduled, as Patroni shows it. */
export function asScheduled({ view, options }: Run): string {
  const scheduled = scheduledOf(view);
  if (scheduled !== undefined) return `Patroni shows it to ${scheduled.to ?? 'the best standby'} at ${scheduled.at}`;
  const leader = leaderOf(view);
  return options.leader !== undefined && leader !== undefined && leader !== options.leader
    ? `none; ${leader} has the lead of ${options.leader}`
    : 'none';
}

function restOf(context: RoleContext): RestCredentials & { url: string } {
  const { restApi } = accountsOf(context);
  return { url: restApiUrl(context.host), user: restApi.name, password: restApi.password };
}
