import { enumerate, formatLsn, pgprov, SERVERS_ANSWERING, type OperationObjection, type Objection } from '../../../index.js';
import { fedFromOutside } from '../../../../roles/shared/streaming/seen.js';
import { guardOneDatabase } from '../../../../roles/shared/streaming/guards.js';
import { lackWhy, reaches, unableWhy, type Lost } from './failover-candidates.js';
import { serverOn } from './seen.js';
import { isFurther, othersThan, reachOf, upstreamNamed } from './servers-seen.js';

/** Seconds in which a standby whose primary is gone finds that out (wal_receiver_timeout, and some more). */
const RECEIVER_GIVES_UP = 90;

function refuse(message: string, hint: string): OperationObjection {
  return { kind: 'refuse', message, hint };
}

/** Signs that there is more than one database, or that a primary is there. */
export function aliveObjections({ view, inventory, lost }: Lost): OperationObjection[] {
  const two = guardOneDatabase(view).map(({ decisive: _decisive, ...objection }: Objection): OperationObjection => objection);
  if (two.length > 0) return two;
  const starting = lost.find((name) => serverOn(view, name)?.data.running === true);
  if (starting !== undefined)
    return [
      {
        ...refuse(
          `PostgreSQL runs on ${starting}, and takes no connections yet: it recovers, or it hangs`,
          `see ${pgprov`logs ${inventory} --host ${starting}`}; where it does not come up, stop it there, then run this again`,
        ),
        settles: true,
      },
    ];
  return [...answering({ view, inventory, lost }), ...receiving({ view, inventory, lost })].slice(0, 1);
}

/** A server out of reach from here whose port answers to another one. */
function answering({ view, inventory, lost }: Lost): OperationObjection[] {
  for (const name of lost.filter((each) => !view.surveyed(each))) {
    const witness = othersThan(inventory, name).find((other) => view.read(other, SERVERS_ANSWERING)?.includes(name) === true);
    if (witness === undefined) continue;
    const hint = `make its host reachable and use ${pgprov`switchover ${inventory}`}; where it has to go, switch it off`;
    return [refuse(`PostgreSQL on ${name} answers to ${witness}, though its host cannot be reached from here: it may take writes`, hint)];
  }
  return [];
}

/** A standby that gets WAL: somebody writes it. A receiver whose sender is gone without a word takes some time to find out. */
function receiving({ view, inventory, lost }: Lost): OperationObjection[] {
  const out = lost.filter((name) => !view.surveyed(name));
  const fed = fedFromOutside(view).find(({ name }) => upstreamNamed(inventory, name) === undefined || out.length === 0);
  if (fed === undefined) return [];
  const { name: standby, from = 'one' } = fed;
  const which =
    out.length === 0
      ? `, though no server of the inventory sends it: it comes from ${from}`
      : `, though ${enumerate(out)} cannot be reached from here`;
  const mend = out.length === 0 ? 'put its host back into the inventory' : 'make its host reachable';
  const moves = new Map([
    [standby, `${standby} has a connection on which it receives WAL; that of a primary that is gone ends within a minute`],
  ]);
  return [
    {
      ...refuse(
        `${standby} still receives WAL, so a primary is there${which}`,
        `${mend} and use ${pgprov`switchover ${inventory}`}; where it has to go, switch it off`,
      ),
      settles: { within: RECEIVER_GIVES_UP, moves, failed: [] },
    },
  ];
}

/** Who is to be promoted, and what may be lost for it. */
export interface Candidacy extends Lost {
  to: string;
  lose?: number;
  asynchronous?: boolean;
}

/** What speaks against a standby as the primary: that it cannot be promoted, or lacks what another one has. */
export function candidateObjections(candidacy: Candidacy): OperationObjection[] {
  const { view, to, lose = 0, asynchronous = false } = candidacy;
  const other = 'leave out --to for the most advanced standby';
  const reason = unableWhy(candidacy, to);
  if (reason !== undefined) return [refuse(`${to} cannot be promoted: it ${reason}`, `nothing was changed; ${other}`)];
  const [first, own] = [reaches(candidacy)[0], reachOf(view, to)];
  if (first === undefined || own === undefined) return [];
  const barred = unableWhy(candidacy, first.name);
  const more = barred === undefined ? other : `${first.name} ${barred}: end that, and leave out --to`;
  if (first.timeline > own.timeline)
    return [
      refuse(
        `${to} is on timeline ${own.timeline}, and ${first.name} on ${first.timeline}: what was written on that is not on ${to}`,
        more,
      ),
    ];
  const behind = first.bytes - own.bytes;
  if (isFurther(first, own) && (lose === 0 || behind > lose)) {
    const much = behind === 0 ? 'a record' : `${behind} bytes`;
    const ends = first.down ? ` (it is down, and its last record starts at ${formatLsn(first.bytes)})` : '';
    return [
      refuse(
        `${to} is ${much} of WAL behind ${first.name}${ends}, which would be lost`,
        `${more}; to lose them nevertheless, add --lose ${Math.max(behind, 1)}`,
      ),
    ];
  }
  const lack = asynchronous ? undefined : lackWhy(candidacy, to);
  return lack === undefined ? [] : [refuse(`${to} ${lack}`, `bring them up first; to lose what ${to} lacks, add --asynchronous`)];
}

/** Why no server can be promoted. */
export function noCandidate(seen: Lost): OperationObjection[] {
  const { inventory, lost } = seen;
  const reasons = othersThan(inventory).map(
    (name) => `${name} ${lost.includes(name) ? 'may have been the primary, and is lost' : (unableWhy(seen, name) ?? 'could')}`,
  );
  return [
    {
      ...refuse(['no standby can be promoted:', ...reasons].join('\n  '), `nothing was changed; see ${pgprov`status ${inventory}`}`),
      settles: true,
    },
  ];
}
