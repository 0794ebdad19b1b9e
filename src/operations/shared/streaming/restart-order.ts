import { STANDBY_LIMITS, type Limits, type StandbyLimit } from '../../../index.js';

/** A server, as far as the order of restarts depends on it. */
export interface Restartable {
  name: string;
  /** A restart of it is left. */
  left: boolean;
  /** The limits that it runs with; empty while it is down. */
  running: Limits;
  /** Those that it has after its next start. */
  next: Limits;
}

/** Who is restarted: some standbys, then the primary, then the other standbys. */
export interface Order {
  before: string[];
  primary: string | undefined;
  after: string[];
}

/** The limits of which one has less than the other. */
export function less(one: Limits, other: Limits): StandbyLimit[] {
  return (Object.keys(STANDBY_LIMITS) as StandbyLimit[]).filter((name) => (one[name] ?? Infinity) < (other[name] ?? 0));
}

/**
 * The order in which no server ever has one of the limits lower than its primary, with which it would not start, or stop: what is raised comes to
 * the standbys first, what is lowered to the primary. All else comes to standbys first, so that a bad value shows there.
 */
export function orderOf(primary: Restartable, standbys: readonly Restartable[]): Order {
  const left = standbys.filter((standby) => standby.left);
  const before = left.filter((standby) => less(standby.next, primary.running).length === 0);
  return {
    before: before.map(({ name }) => name),
    primary: primary.left ? primary.name : undefined,
    after: left.filter((standby) => !before.includes(standby)).map(({ name }) => name),
  };
}

/** Why there is no such order, and whom it is about. */
export interface NoOrder {
  /**
   * `lags`: it would have less than the primary after that has been restarted. `keeps`: the primary keeps more than it is to start with. `both`: it
   * is to have one limit higher and another one lower, so neither can be first.
   */
  why: 'lags' | 'keeps' | 'both';
  standbys: string[];
  limits: StandbyLimit[];
}

/** What speaks against any order; undefined: `orderOf` is right. */
export function noOrder(primary: Restartable, standbys: readonly Restartable[]): NoOrder | undefined {
  const { after } = orderOf(primary, standbys);
  const found = (why: NoOrder['why'], of: (standby: Restartable) => StandbyLimit[]): NoOrder[] => {
    const short = standbys.flatMap((standby) => of(standby).map((limit) => ({ standby: standby.name, limit })));
    if (short.length === 0) return [];
    return [
      {
        why,
        standbys: [...new Set(short.map(({ standby }) => standby))],
        limits: [...new Set(short.map(({ limit }) => limit))],
      },
    ];
  };
  const isSecond = ({ name }: Restartable): boolean => after.includes(name);
  if (!primary.left) return found('keeps', (standby) => (isSecond(standby) ? less(standby.next, primary.running) : []))[0];
  return [
    ...found('lags', (standby) => less(standby.left ? standby.next : standby.running, primary.next)),
    ...found('both', (standby) => (isSecond(standby) ? less(standby.running, primary.next) : [])),
  ][0];
}
