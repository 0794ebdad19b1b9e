import { DATA_DIRECTORY, DCS, enumerate, pgprov, type OperationObjection, type OperationRun, type View } from '../index.js';
import { dcsOf } from '../../roles/shared/dcs-of.js';
import { isPaused, modeOperation } from './shared/maintenance.js';
import { answerOf } from './shared/members.js';
import { untilUp } from './shared/passing.js';

type Run = OperationRun<object>;

export default modeOperation({
  name: 'resume',
  description: 'end maintenance mode; says before what Patroni will do as soon as it is over',
  paused: false,
  objections,
  words: (run) => ({ title: `end the maintenance mode of ${run.inventory.cluster}`, effect: whatFollows(run) }),
  nothing: ({ inventory }) => `${inventory.cluster} is not in maintenance mode`,
  finished: (_run, missed) => missed,
});

/** Who holds the leader key, by the store. */
function holderOf(view: View): string | undefined {
  for (const { name } of view.hosts('patroni')) {
    const store = view.read(name, DCS);
    if (store?.reachable === true) return store.leader;
  }
  return undefined;
}

/** The members whose PostgreSQL takes writes, by their own word. */
function primaries(view: View): string[] {
  return view
    .hosts('patroni')
    .map(({ name }) => name)
    .filter((name) => {
      const answer = answerOf(view, name);
      return answer?.role === 'leader' && answer.state === 'running';
    });
}

/** The members with a server that is a primary while their Patroni takes it for stopped, or is down itself and others are not. */
function unrecognized(view: View): string[] {
  const members = view.hosts('patroni').map(({ name }) => name);
  if (members.every((name) => answerOf(view, name) === undefined)) return [];
  return members.filter((name) => {
    const data = view.read(name, DATA_DIRECTORY);
    return data?.kind === 'cluster' && data.running && data.clusterState === 'in production' && answerOf(view, name)?.role !== 'leader';
  });
}

/** A second server that takes writes: Patroni would stop it and throw away what only it has. */
function objections({ view, inventory }: Run): OperationObjection[] {
  const status = `nothing was changed; see ${pgprov`status ${inventory}`}`;
  const members = view.hosts('patroni').map(({ name }) => name);
  if (isPaused(view) === undefined) {
    return untilUp(view, members, [
      {
        kind: 'refuse',
        message: `neither ${dcsOf(inventory).name} nor Patroni on any member says whether the cluster is in maintenance mode`,
        hint: status,
      },
    ]);
  }
  if (isPaused(view) === false) return [];
  const beside = unrecognized(view);
  if (beside.length > 0) {
    return untilUp(view, beside, [
      {
        kind: 'refuse',
        message: `PostgreSQL on ${enumerate(beside)} runs as a primary, and Patroni there does not know it: without maintenance mode Patroni would make another member a primary beside it`,
        hint: `where Patroni is down, start it; where it runs and calls PostgreSQL stopped, stop PostgreSQL there with \`pg_ctl stop -m fast\` as its user, when nobody writes to it any more; then run this again`,
      },
    ]);
  }
  const writers = primaries(view);
  if (writers.length < 2) return [];
  const holder = holderOf(view);
  const lost = writers.filter((name) => name !== holder);
  return [
    {
      kind: 'refuse',
      message: `PostgreSQL is a primary on ${enumerate(writers)}: without maintenance mode Patroni would make ${
        holder === undefined ? 'all but one of them' : enumerate(lost)
      } a standby again, and what only that one has would be lost`,
      hint: 'decide which one has the commits that count, keep a copy of the other’s data, and stop PostgreSQL there; then run this again',
    },
  ];
}

/** What Patroni does as soon as it may act again, as a clause. */
function whatFollows({ view }: Run): string {
  const holder = holderOf(view);
  const state = (name: string): string => answerOf(view, name)?.state ?? 'silent';
  const serves = (name: string): boolean => state(name) === 'running' || state(name) === 'streaming';
  const members = view.hosts('patroni').map(({ name }) => name);
  const down = members.filter((name) => {
    const data = view.read(name, DATA_DIRECTORY);
    return answerOf(view, name) !== undefined && data?.kind === 'cluster' && !data.running;
  });
  const [writer] = primaries(view);
  const electing = members.filter((name) => serves(name) && !down.includes(name));
  const lead =
    holder !== undefined && holder === writer
      ? `${holder} stays the leader`
      : writer !== undefined
        ? `${holder === undefined ? 'nobody' : holder} holds the leader key, and ${writer} is the primary: Patroni gives it the lead, or makes it a standby of who gets that`
        : electing.length === 0
          ? 'nobody leads, and Patroni starts PostgreSQL and elects a leader among those that come up'
          : `${holder === undefined ? 'nobody leads' : `PostgreSQL of the leader ${holder} is down`}, so Patroni makes ${electing.length === 1 ? enumerate(electing) : `one of ${enumerate(electing)}`} the leader on a new timeline at once`;
  const starts =
    down.length === 0
      ? ''
      : `; Patroni starts PostgreSQL on ${enumerate(down)}${electing.length > 0 ? ', as a standby of who leads then' : ''}`;
  const strays = members.filter((name) => name !== holder && answerOf(view, name)?.role === 'leader');
  const rewound = strays.length === 0 || holder === undefined ? '' : `; ${enumerate(strays)} becomes a standby again`;
  return `Patroni acts again: ${lead}${starts}${rewound}`;
}
