import type { ClusterStatus, Promotion, ReplicationStatus, ReplicationTarget, SlotStatus } from '../lib/cluster-status.js';
import { formatBytes } from '../lib/bytes.js';
import { slotNameOf } from '../lib/slot-name.js';
import { formatDuration } from './duration.js';
import { count } from './words.js';

/** Something that is well or not, in words. */
export interface Judged {
  name: string;
  text: string;
  good: boolean;
}

/** What PostgreSQL writes into the history of every timeline that a promotion begins. */
const USUAL_REASON = 'no recovery target specified';

/** When the lead changed last, from whom to whom: `2026-11-28 15:40:12 UTC, from pg1 to pg2, timeline 2 from 0/3000148 on`. */
export function promotionWords({ at, from, to, timeline, reason, lsn }: Promotion): string {
  const way =
    from !== undefined && from === to
      ? `to ${to} again`
      : [...(from === undefined ? [] : [`from ${from}`]), ...(to === undefined ? [] : [`to ${to}`])].join(' ');
  return [
    ...(at === undefined ? [] : [timeWords(at)]),
    ...(way === '' ? [] : [way]),
    `timeline ${timeline} from ${lsn} on`,
    ...(reason === USUAL_REASON || reason === '' ? [] : [reason]),
  ].join(', ');
}

/** To the second, in UTC; as it is where it is no time. */
function timeWords(at: string): string {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? at : `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** How each standby receives, as it sees that itself and as its sender does, and who else receives. */
export function replicationEntries({ replication = [], members }: Pick<ClusterStatus, 'replication' | 'members'>): Judged[] {
  const names = new Set([...replication.map(({ host }) => host), ...members.map(({ name }) => name)]);
  const standbys = replication.filter(({ standby }) => standby);
  const received = standbys.map((server): Judged => {
    const sender = replication.find(({ sends }) => sends.some(({ name }) => name === server.host));
    const target = sender?.sends.find(({ name }) => name === server.host);
    const good = server.receives?.status === 'streaming' && (target === undefined || target.state === 'streaming');
    const seen = target === undefined || sender === undefined ? [] : [`${sender.host} sees ${targetWords(target)}`];
    return { name: server.host, good, text: [receiverWords(server), ...seen].join('; ') };
  });
  const asked = new Set(standbys.map(({ host }) => host));
  const others = replication.flatMap(({ host, sends }) =>
    sends
      .filter(({ name }) => !asked.has(name))
      .map((target): Judged => {
        const who = names.has(target.name) ? target.name : [target.name, target.address].filter(Boolean).join(' at ');
        return { name: host, good: true, text: `sends to ${who}: ${targetWords(target)}` };
      }),
  );
  return [...received, ...others];
}

function receiverWords({ receives, behindSeconds }: ReplicationStatus): string {
  if (receives === undefined) return 'receives nothing';
  const { status, timeline, from, lastMessageSeconds: last } = receives;
  return [
    `receives: ${status}${from === undefined ? '' : ` from ${from}`}${timeline === undefined ? '' : `, timeline ${timeline}`}`,
    ...(last === undefined ? [] : [`last message ${seconds(last)} ago`]),
    ...(behindSeconds === undefined || behindSeconds < 1 ? [] : [`replays what is ${seconds(behindSeconds)} old`]),
  ].join(', ');
}

function targetWords({ state, sync, sentLagBytes: unsent = 0, replayLagBytes, ...lags }: ReplicationTarget): string {
  const times = (['write', 'flush', 'replay'] as const).flatMap((what) => {
    const lag = lags[`${what}LagSeconds`];
    return lag === undefined ? [] : [`${what} ${seconds(lag)}`];
  });
  return [
    state,
    sync,
    ...(unsent === 0 ? [] : [`${formatBytes(unsent)} not sent`]),
    ...(replayLagBytes === undefined ? [] : [`${formatBytes(replayLagBytes)} behind`]),
    ...(times.length === 0 ? [] : [`lag: ${times.join(', ')}`]),
  ].join(', ');
}

/** Slots with the WAL that they hold; those that standbys under Patroni keep for a failover are counted. */
export function slotEntries({
  replication = [],
  members,
  topology,
}: Pick<ClusterStatus, 'replication' | 'members' | 'topology'>): Judged[] {
  // Without Patroni nobody moves the slots of a standby on: what nobody uses there is left over.
  const keeps = topology !== 'streaming';
  const names = new Set(members.map(({ name }) => slotNameOf(name)));
  return replication.flatMap(({ host, standby, slots }): Judged[] => {
    const kept = slots.filter((slot) => keeps && standby && names.has(slot.name) && !slot.active && isSound(slot));
    const shown = slots.filter((slot) => !kept.includes(slot));
    const most = Math.max(0, ...kept.map(({ heldBytes = 0 }) => heldBytes));
    return [
      ...shown.map((slot) => ({ name: host, text: slotWords(slot), good: isSound(slot) && (slot.active || (keeps && standby)) })),
      ...(kept.length === 0
        ? []
        : [
            {
              name: host,
              text: `${count(kept.length, 'slot')} kept for when it leads, ${kept.length === 1 ? 'holding' : 'each holding at most'} ${formatBytes(most)}`,
              good: true,
            },
          ]),
    ];
  });
}

function isSound({ wal, invalidated }: SlotStatus): boolean {
  return wal !== 'lost' && wal !== 'unreserved' && invalidated === undefined;
}

function slotWords({ name, type, database, active, temporary, wal, heldBytes, safeBytes, inactiveSince, invalidated }: SlotStatus): string {
  const unused = inactiveSince === undefined ? 'not in use' : `not in use since ${timeWords(inactiveSince)}`;
  return [
    `${name}: ${temporary ? 'temporary, ' : ''}${type}${database === undefined ? '' : ` in ${database}`}`,
    active ? 'in use' : unused,
    ...(heldBytes === undefined ? [] : [`holds ${formatBytes(heldBytes)}`]),
    ...(safeBytes === undefined ? [] : [`loses WAL after ${formatBytes(Math.max(0, safeBytes))} more`]),
    ...(wal === undefined || wal === 'reserved' ? [] : [`wal_status ${wal}`]),
    ...(invalidated === undefined ? [] : [`invalidated: ${invalidated}`]),
  ].join(', ');
}

function seconds(value: number): string {
  return formatDuration(value * 1000);
}
