import {
  DCS,
  defineOperation,
  enumerate,
  pgprov,
  type CheckResult,
  type Objection,
  type OperationRun,
  type OperationStep,
  type View,
} from '../index.js';
import { dcsOf } from '../../roles/shared/dcs-of.js';
import { hostsWith } from '../../roles/shared/layout.js';
import { quorumOf } from '../../roles/shared/quorum.js';
import { isPaused } from './shared/maintenance.js';
import { isSynchronous } from '../../roles/shared/synchronous.js';
import { endedCleanly } from './shared/ended-cleanly.js';
import { answerOf, leaderOf, notStreamingWhy } from './shared/members.js';
import { untilUp } from './shared/passing.js';
import { memberRuns, runningOf, stopped, type StopOptions } from './shared/stopped.js';
import { withStreaming } from './shared/streaming/procedure.js';
import { streamingStop } from './shared/streaming/stop.js';

type Run = OperationRun<StopOptions>;

const underPatroni = defineOperation<StopOptions>({
  name: 'stop',
  description: 'stop PostgreSQL and Patroni for maintenance: standbys first, the leader last, so that nobody takes over',
  options: {},
  choosesHosts: true,
  roles: ({ inventory }) => [dcsOf(inventory).role, 'patroni'],
  requiresConverged: false,
  unreachable: 'go-on',
  observations: (context) => memberRuns(context),
  guards: (run) => objections(run),
  choose: (run) => ({ ...run.options, up: targets(run).filter((name) => isUp(run.view, name)) }),
  remaining: (run) => ({ steps: steps(run) }),
  nothing: (run) => `PostgreSQL and Patroni are stopped on ${enumerate(targets(run))} already`,
  checks: (run) => proofs(run),
  finished: (run) => {
    const { inventory } = run;
    const all = targets(run);
    const start = pgprov`start ${inventory} ${isWhole(run) ? [] : ['--host', all.join(',')]}`;
    const boots = staysDown(run) ? 'They stay down when their hosts boot' : 'Their units stay enabled, so a reboot starts them as well';
    return `PostgreSQL and Patroni are stopped on ${enumerate(all)}, and ${dcsOf(inventory).name} runs on; ${start} starts them again, and so does ${pgprov`apply ${inventory}`}. ${boots}${mayLead(run)}`;
  },
});

export default withStreaming(underPatroni, streamingStop);

/** The members that are to be stopped. */
function targets({ inventory, chosenHosts }: Run): string[] {
  return hostsWith(inventory, 'patroni')
    .map(({ name }) => name)
    .filter((name) => chosenHosts === undefined || chosenHosts.includes(name));
}

function isUp(view: View, host: string): boolean {
  const runs = runningOf(view, host);
  return runs !== undefined && (runs.patroni || runs.postgresql);
}

/** The members that run on, or may: one that does not answer counts while the store has it registered. */
function staying(run: Run): string[] {
  const { view, inventory } = run;
  const meant = targets(run);
  const registered = view.hosts('patroni').flatMap(({ name }) => {
    const store = view.read(name, DCS);
    return store?.reachable === true ? store.members.map((member) => member.name) : [];
  });
  return hostsWith(inventory, 'patroni')
    .map(({ name }) => name)
    .filter((name) => (view.surveyed(name) ? !meant.includes(name) && isUp(view, name) : registered.includes(name)));
}

function isWhole(run: Run): boolean {
  return targets(run).length === hostsWith(run.inventory, 'patroni').length;
}

/**
 * Whether the members do not start when their hosts boot. Where none is left, the first one to boot would take the lead, with or without the
 * last commits.
 */
function staysDown(run: Run): boolean {
  return staying(run).length === 0;
}

/** Members that start at a boot all the same, because they were left out or do not answer. */
function mayLead(run: Run): string {
  const { view, inventory } = run;
  const others = hostsWith(inventory, 'patroni').flatMap(({ name }) =>
    targets(run).includes(name) || runningOf(view, name)?.enabled === false ? [] : [name],
  );
  if (!staysDown(run) || others.length === 0) return '';
  return `. This does not hold for ${enumerate(others)}, which may then take the lead without the last commits; ${pgprov`stop ${inventory}`} without --host, while all hosts are on, keeps all members down`;
}

/** The member that takes writes, which is stopped last; undefined: none does. */
function writerOf(view: View): string | undefined {
  return leaderOf(view) ?? view.hosts('patroni').find(({ name }) => answerOf(view, name)?.role === 'leader')?.name;
}

function objections(run: Run): Objection[] {
  const { view, inventory } = run;
  const refuse = (message: string, hint: string): Objection[] => [{ kind: 'refuse', message, hint }];
  const away = targets(run).filter((name) => !view.surveyed(name));
  if (away.length > 0) {
    const rest = targets(run).filter((name) => view.surveyed(name));
    const it = away.length === 1 ? 'it' : 'them';
    return refuse(
      `${enumerate(away)} cannot be reached, so nobody knows what runs there, and ${it === 'it' ? 'it' : 'they'} cannot be stopped`,
      `run this again when ${it === 'it' ? 'it answers' : 'they answer'}${rest.length === 0 ? '' : `; where the host is off, leave ${it} out: --host ${rest.join(',')}`}`,
    );
  }
  const meant = targets(run).filter((name) => isUp(view, name));
  if (meant.length === 0) return [];
  if (isPaused(view) === true) {
    return refuse(
      'the cluster is in maintenance mode, in which Patroni leaves PostgreSQL running when it is stopped itself',
      `end it first (${pgprov`resume ${inventory}`}), then run this again`,
    );
  }
  const stays = staying(run);
  const leader = writerOf(view);
  if (stays.length === 0) return [];
  if (leader !== undefined && meant.includes(leader)) {
    const [heir] = stays.filter((name) => view.surveyed(name));
    return refuse(
      `${leader} leads, and ${enumerate(stays)} would stay up: ${stays.length === 1 ? 'it' : 'one of them'} would take over`,
      `hand the lead over first (${pgprov`switchover ${inventory} ${heir === undefined ? [] : ['--to', heir]}`}), or stop all members`,
    );
  }
  return [...lastSynchronous(run, meant, stays), ...quorum(run)];
}

/** With synchronous_mode the leader is left without anybody who has its commits, or takes none any more. */
function lastSynchronous({ view }: Run, meant: readonly string[], stays: readonly string[]): Objection[] {
  const leader = leaderOf(view);
  if (leader === undefined || !isSynchronous(view)) return [];
  if (stays.some((name) => name !== leader && notStreamingWhy(view, leader, name) === undefined)) return [];
  return untilUp(view, stays, [
    {
      kind: 'refuse',
      message: `with synchronous_mode ${leader} needs a standby that streams, and without ${enumerate(meant)} there is none`,
      hint: 'leave one of them up, or stop all members',
    },
  ]);
}

/** The store stays up, but who stops a part of the members mostly takes their hosts down next. */
function quorum(run: Run): Objection[] {
  const { view, inventory } = run;
  const { name: store, role, isHealthy } = dcsOf(inventory);
  const all = hostsWith(inventory, role).map(({ name }) => name);
  const meant = targets(run);
  const left = all.filter((name) => !meant.includes(name) && isHealthy(view, name) === true);
  const needed = quorumOf(all.length);
  if (left.length >= needed || !all.some((name) => meant.includes(name))) return [];
  return [
    {
      kind: 'refuse',
      message: `were ${enumerate(meant)} taken down for maintenance, ${left.length} of ${all.length} members of ${store} would be left, and a quorum needs ${needed}`,
      hint: 'stop fewer members at a time, or all of them',
    },
  ];
}

function steps(run: Run): OperationStep[] {
  const { view } = run;
  const down = staysDown(run);
  const up = targets(run).filter((name) => isUp(view, name) || (down && runningOf(view, name)?.enabled === true));
  const writer = writerOf(view);
  const standbys = up.filter((name) => name !== writer);
  const behind = standbys.filter((name) => writer !== undefined && notStreamingWhy(view, writer, name) !== undefined);
  const lacking = behind.length === 0 ? '' : `; ${enumerate(behind)} does not stream and may lack commits of ${writer}`;
  const first: OperationStep[] =
    standbys.length === 0
      ? []
      : [
          {
            id: 'stop-standbys',
            title: `stop Patroni and PostgreSQL on ${enumerate(standbys)}`,
            effect: `connections to ${standbys.length === 1 ? 'it' : 'them'} are cut${writer === undefined ? '' : `; ${writer} serves on`}${lacking}`,
            on: standbys,
            resources: (context) => [stopped(context, down)],
          },
        ];
  if (writer === undefined || !up.includes(writer)) return first;
  return [
    ...first,
    {
      id: 'stop-leader',
      title: `stop Patroni and PostgreSQL on ${writer}, the leader`,
      effect: 'the database is down; no other member runs, and none starts at a boot of its host, so nobody takes over',
      on: [writer],
      resources: (context) => [stopped(context, down)],
    },
  ];
}

function proofs(run: Run): CheckResult[] {
  const { view, options } = run;
  return targets(run).map((host) => endedCleanly(view, host, { isUp: isUp(view, host), wasUp: options.up?.includes(host) !== false }));
}
