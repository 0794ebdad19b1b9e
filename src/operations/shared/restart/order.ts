import { STANDBY_LIMITS, type Limits, type StandbyLimit } from '../../../index.js';

/** A member, as far as the order of restarts depends on it. */
export interface Restartable {
  name: string;
  /** It is to be restarted where it has to be. */
  selected: boolean;
  /** It was restarted since the operation began. */
  restarted: boolean;
  /** Its PostgreSQL takes no connection. */
  down: boolean;
  /** Patroni says that a restart is pending. */
  pending: boolean;
  /** Limits of a standby (`STANDBY_LIMITS`) that are lower than the dynamic configuration has them, and that are higher. */
  below: readonly StandbyLimit[];
  above: readonly StandbyLimit[];
  /** Something else is pending than these. */
  other: boolean;
}

/** One restart of one member. */
export interface Turn {
  name: string;
  /** `leader`: by a switchover or in place. `leader-in-place`: in place, because it lowers what no standby may have lower. */
  as: 'standby' | 'leader' | 'leader-in-place';
  /** The member has its second turn. */
  again: boolean;
  /** Limits that the standby must have replayed from its leader, because it starts with the larger value otherwise. */
  replays: readonly StandbyLimit[];
}

/**
 * Who is restarted, in this order, by what is seen now. A standby must not have one of the limits lower than its leader: what is raised comes
 * to the standbys first, and what is lowered to the leader first, in place, because a standby keeps the larger value until it has replayed
 * the smaller one. Where one is raised and another lowered, standbys have two turns: in the first they take what is raised and keep what is
 * to be lowered. All else comes to standbys first, so that a bad value shows there.
 */
export function turnsOf(leader: Restartable, standbys: readonly Restartable[], pendingOnly: boolean): Turn[] {
  const leaderLeft = isLeft(leader, pendingOnly);
  const lowers = leaderLeft && leader.above.length > 0;
  const staysHigher = !lowers && leader.above.length > 0;
  const first = standbys.filter((standby) => {
    if (!isLeft(standby, pendingOnly)) return false;
    const gains = standby.below.length > 0 || standby.other;
    if (lowers) return gains || standby.down;
    return gains || standby.down || !staysHigher || (!pendingOnly && !standby.restarted);
  });
  const second = lowers
    ? standbys.filter(
        (standby) => standby.selected && (standby.above.length > 0 || (isLeft(standby, pendingOnly) && !first.includes(standby))),
      )
    : [];
  return [
    ...first.map((standby): Turn => {
      const replays = lowers || staysHigher ? [] : standby.above;
      return { name: standby.name, as: 'standby', again: standby.restarted, replays };
    }),
    ...(leaderLeft
      ? [{ name: leader.name, as: lowers ? ('leader-in-place' as const) : ('leader' as const), again: false, replays: [] }]
      : []),
    ...second.map((standby): Turn => {
      const again = standby.restarted || first.includes(standby);
      return { name: standby.name, as: 'standby', again, replays: standby.above };
    }),
  ];
}

/** Whether a restart of the member is left, whatever it brings. */
export function isLeft({ selected, restarted, down, pending }: Restartable, pendingOnly: boolean): boolean {
  if (!selected) return false;
  return pending || (!restarted && (down || !pendingOnly));
}

/** The standbys that a restart of the leader would leave with less than it has: those that have no turn before it. */
export function leftBehind(leader: Restartable, standbys: readonly Restartable[], pendingOnly: boolean): Restartable[] {
  if (!isLeft(leader, pendingOnly)) return [];
  const before = new Set(turnsOf(leader, standbys, pendingOnly).flatMap(({ name, as }) => (as === 'standby' ? [name] : [])));
  return standbys.filter(({ name, below }) => below.length > 0 && !before.has(name));
}

/** Patroni's own values where the dynamic configuration has none, or one that is below its least. Source: CMDLINE_OPTIONS of its 4.0. */
const DEFAULTS: Readonly<Record<StandbyLimit, { value: number; least: number }>> = {
  max_connections: { value: 100, least: 25 },
  max_worker_processes: { value: 8, least: 2 },
  max_wal_senders: { value: 10, least: 3 },
  max_prepared_transactions: { value: 0, least: 0 },
  max_locks_per_transaction: { value: 64, least: 32 },
};

/** The limits that Patroni starts a leader with. */
export function wantedLimits(configuration: Readonly<Record<string, unknown>>): Record<StandbyLimit, number> {
  const given = objectOf(objectOf(configuration['postgresql'])['parameters']);
  const wanted = (Object.keys(STANDBY_LIMITS) as StandbyLimit[]).map((name): [StandbyLimit, number] => {
    const { value, least } = DEFAULTS[name];
    const number = Number(given[name] ?? Number.NaN);
    return [name, Number.isInteger(number) && number >= least ? number : value];
  });
  return Object.fromEntries(wanted) as Record<StandbyLimit, number>;
}

/** The limits that are lower than they are wanted, and those that are higher. */
export function compareLimits(running: Limits, wanted: Record<StandbyLimit, number>): Pick<Restartable, 'below' | 'above'> {
  const names = Object.keys(STANDBY_LIMITS) as StandbyLimit[];
  return {
    below: names.filter((name) => (running[name] ?? wanted[name]) < wanted[name]),
    above: names.filter((name) => (running[name] ?? wanted[name]) > wanted[name]),
  };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
