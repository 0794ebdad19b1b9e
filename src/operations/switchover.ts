import {
  defineOperation,
  enumerate,
  pgprov,
  type CheckResult,
  type OperationObjection,
  type OperationRun,
  type OperationStart,
  type OperationStep,
} from '../index.js';
import { dcsOf } from '../../roles/shared/dcs-of.js';
import { roleThatFollows } from '../../roles/shared/vip/address.js';
import { addressFollowed } from '../../roles/shared/vip/told.js';
import { followStep, handOverStep, takesUpPending } from './shared/hand-over.js';
import { cannotLead, handingOverObjections } from './shared/handing-over.js';
import {
  leaderOf,
  leastBehind,
  listedBy,
  membersOf,
  notStreamingWhy,
  scheduledOf,
  timelineOf,
  unfit,
  unknownMember,
} from './shared/members.js';
import { untilUp } from './shared/passing.js';
import {
  cannotPause,
  LEFT_PAUSED,
  PAUSE_POOLS,
  poolChecks,
  poolObjections,
  resumeEarly,
  withPausedPools,
  withPoolRoles,
  type PausesPools,
} from './shared/pause-pools.js';
import { MOMENT_PATTERN, MOMENT_WORDS, readMoment, utcText } from './shared/moment.js';
import {
  asScheduled,
  cancelSteps,
  cannotCancel,
  cannotSchedule,
  scheduleSteps,
  type ScheduledOptions,
} from './shared/scheduled-switchover.js';
import { withStreaming } from './shared/streaming/procedure.js';
import { streamingSwitchover } from './shared/streaming/switchover.js';

interface SwitchoverOptions extends ScheduledOptions, PausesPools {
  /** Take back what was scheduled. */
  cancel?: boolean;
  /** Chosen: members that did not stream then, and are not waited for. */
  without?: readonly string[];
}

type Run = OperationRun<SwitchoverOptions>;

const patroniSwitchover = defineOperation<SwitchoverOptions>({
  name: 'switchover',
  description: 'hand the lead to a standby that has caught up, now or at a time; without a failure, and without losing a commit',
  options: {
    to: { type: 'string', value: 'host', description: 'the member that is to lead; default: the standby that is the least behind' },
    at: {
      type: 'string',
      value: 'time',
      pattern: MOMENT_PATTERN,
      expects: MOMENT_WORDS,
      description: 'have Patroni do it later: a time with its zone (2026-03-04T22:00+01:00), or one from now on (+30m)',
    },
    cancel: { type: 'boolean', description: 'cancel the switchover that is scheduled' },
    pausePools: PAUSE_POOLS,
  },
  roles: (start) => withPoolRoles([dcsOf(start.inventory).role, 'patroni', ...roleThatFollows(start.inventory)], start),
  requiresConverged: false,
  // Away from a leader must be possible while another member is down.
  unreachable: 'go-on',
  patience: 60,
  problems,
  guards: (run) =>
    run.options.cancel === true ? cannotCancel(run) : run.options.at === undefined ? handingOver(run) : cannotSchedule(run),
  choose,
  remaining: (run) => {
    if (run.options.cancel === true) return { steps: cancelSteps(run) };
    if (run.options.at !== undefined) return { steps: scheduleSteps(run) };
    return { steps: withPausedPools(run, [...handOver(run), ...follow(run)]), ...left(run) };
  },
  back: resumeEarly,
  hinders: LEFT_PAUSED,
  question: ({ inventory: { cluster }, options: { cancel, at } }) =>
    cancel === true
      ? `Cancel the scheduled switchover of ${cluster}?`
      : `${cluster} holds data. ${at === undefined ? 'Carry out' : 'Schedule'} the switchover?`,
  nothing,
  checks: (run) => {
    if (run.options.cancel === true)
      return [{ title: 'no switchover is scheduled', ok: scheduledOf(run.view) === undefined, detail: asScheduled(run) }];
    return run.options.at === undefined
      ? [...proofs(run), ...poolChecks(run)]
      : [
          {
            title: 'the switchover is scheduled',
            ok: leaderOf(run.view) !== undefined && scheduleSteps(run).length === 0,
            detail: asScheduled(run),
          },
        ];
  },
  finished,
});

export default withStreaming<SwitchoverOptions>(patroniSwitchover, streamingSwitchover);

function problems({ inventory, options }: OperationStart<SwitchoverOptions>): OperationObjection[] {
  const { to, at, cancel } = options;
  const input = (message: string, hint: string): OperationObjection[] => [{ kind: 'input', error: 'switchover/options', message, hint }];
  if (cancel === true && (to !== undefined || at !== undefined))
    return input('--cancel takes back what is scheduled, whatever that is', 'leave out --to and --at');
  if (at !== undefined && readMoment(at, new Date()) === undefined)
    return input(`--at ${at} is no time that there is`, `give ${MOMENT_WORDS}`);
  const when = at !== undefined ? '--at' : cancel === true ? '--cancel' : undefined;
  return [...cannotPause(options, when), ...poolObjections({ inventory, options }), ...unknownMember(inventory, to)].slice(0, 1);
}

function choose({ view, inventory, options }: Run): SwitchoverOptions {
  if (options.cancel === true) return options;
  const leader = leaderOf(view);
  const known = leader === undefined ? {} : { leader };
  // Who is the best then, Patroni knows when the time has come.
  if (options.at !== undefined) return { ...options, ...known, at: readMoment(options.at, new Date()) ?? options.at };
  const members = membersOf(inventory).map(({ name }) => name);
  const to = options.to ?? leastBehind(view, members) ?? '';
  const without =
    leader === undefined || leader === to
      ? []
      : members.filter((name) => ![leader, to].includes(name) && notStreamingWhy(view, leader, name));
  return { ...options, ...known, to, without };
}

function handingOver(run: Run): OperationObjection[] {
  const { view, inventory, options } = run;
  const { to = '' } = options;
  const leader = leaderOf(view);
  if (leader !== undefined && leader === to) return [];
  const status = pgprov`status ${inventory}`;
  const common = handingOverObjections(run);
  // One that was begun and broke off may be between two leaders.
  if (leader === undefined && options.leader !== undefined) return common.map((objection) => ({ settles: true, ...objection }));
  if (common.length > 0 || leader === undefined) return common;
  if (to !== '') return cannotLead(run, leader, to);
  const others = membersOf(inventory).filter(({ name }) => name !== leader);
  const reasons = others.map(({ name }) => `\n  ${name} ${unfit(view, leader, name) ?? 'could'}`);
  return untilUp(
    view,
    others.map(({ name }) => name),
    [
      {
        kind: 'refuse',
        message: `no standby can take the lead from ${leader}:${reasons.join('') || ' there is none'}`,
        hint: `nothing was changed; see ${status}`,
      },
    ],
  );
}

function handOver({ view, options: { to = '' } }: Run): OperationStep[] {
  const leader = leaderOf(view);
  return leader === undefined || leader === to ? [] : [handOverStep(leader, to, { effect: takesUpPending(view, leader) })];
}

/** The members that have to stream from the new leader before all is done. */
function followers({ inventory, options: { to, without = [] } }: Run): string[] {
  return membersOf(inventory)
    .map(({ name }) => name)
    .filter((name) => name !== to && !without.includes(name));
}

function follow(run: Run): OperationStep[] {
  const {
    view,
    options: { to = '' },
    done,
  } = run;
  const all = followers(run);
  const others = leaderOf(view) === to ? all.filter((name) => notStreamingWhy(view, to, name) !== undefined) : all;
  return others.length === 0 || done.has('follow') ? [] : [followStep(to, all, others)];
}

/** What is said of members that are down while the lead is handed over. */
function left({ view, options: { to = '', without = [] } }: Run): { then?: string } {
  const leader = leaderOf(view);
  if (leader === undefined || leader === to || without.length === 0) return {};
  const each = without.map((name) => `${name} ${notStreamingWhy(view, leader, name) ?? 'streams again'}`);
  return { then: `nothing waits for ${enumerate(without)}, which did not stream before: ${each.join('; ')}` };
}

function nothing(run: Run): string {
  const {
    view,
    options: { to, cancel, at },
  } = run;
  if (cancel === true) return 'no switchover is scheduled';
  if (at !== undefined) return `nothing is left to schedule: ${asScheduled(run)}`;
  const rest = membersOf(run.inventory).flatMap(({ name }) => {
    const why = name === to || leaderOf(view) !== to ? undefined : notStreamingWhy(view, to ?? '', name);
    return why === undefined ? [] : [`${name} ${why}`];
  });
  return rest.length === 0 ? `${to} leads already, and all others stream from it` : `${to} leads already; ${rest.join('; ')}`;
}

function finished(run: Run): string | undefined {
  const {
    view,
    inventory,
    options: { to = '', without = [], at, cancel },
  } = run;
  if (cancel === true) return undefined;
  if (at !== undefined) return `${pgprov`switchover ${inventory} --cancel`} takes it back until ${utcText(at)}`;
  const still = without.flatMap((name) => {
    const why = notStreamingWhy(view, to, name);
    return why === undefined ? [] : [`${name} ${why}`];
  });
  return still.length === 0 ? undefined : `${to} leads. As before, not every member streams: ${still.join('; ')}`;
}

function proofs(run: Run): CheckResult[] {
  const {
    view,
    options: { to = '', without = [] },
  } = run;
  const leader = leaderOf(view);
  const timeline = timelineOf(view, to);
  const leading: CheckResult = {
    title: 'the chosen member leads',
    ok: leader === to,
    detail: leader === undefined ? 'nobody leads' : `${leader}, timeline ${timeline ?? '?'}`,
  };
  const streaming = followers(run).map((name): CheckResult => {
    const member = listedBy(view, to, name);
    const ok = notStreamingWhy(view, to, name) === undefined && member?.timeline === timeline;
    return {
      host: name,
      title: 'it streams on the new timeline',
      settles: true,
      ok,
      detail: member === undefined ? 'it is not in the cluster' : `${member.state}, timeline ${member.timeline ?? '?'}`,
    };
  });
  const others = without.map(
    (name): CheckResult => ({
      host: name,
      title: 'it did not stream before, and was not waited for',
      ok: true,
      detail: `it ${notStreamingWhy(view, to, name) ?? 'streams now'}`,
    }),
  );
  return [leading, ...addressFollowed(view, to), ...streaming, ...others];
}
