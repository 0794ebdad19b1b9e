import type { Promotion } from '../lib/cluster-status.js';
import { formatLsn } from '../postgres/lsn.js';
import { readTimelineEnds } from './patroni/history.js';

/** The last change of the leader by the key `history`, which Patroni writes after it; nothing where there was none or it cannot be read. */
export function lastPromotion(history: string | undefined): { lastPromotion?: Promotion } {
  const ends = readTimelineEnds(history ?? '') ?? [];
  const [before, last] = [ends.at(-2), ends.at(-1)];
  if (last === undefined) return {};
  const { timeline, at, reason, time, leader } = last;
  const from = before?.timeline === timeline - 1 ? before.leader : undefined;
  return {
    lastPromotion: {
      timeline: timeline + 1,
      ...(time === undefined ? {} : { at: time }),
      ...(from === undefined ? {} : { from }),
      ...(leader === undefined ? {} : { to: leader }),
      reason,
      lsn: formatLsn(at),
    },
  };
}
