import type { LabHost } from '../../lab/index.js';
import { must, sql } from './verify.js';

/** Patroni's configuration on a Debian host, for patronictl. */
export const PATRONI_CONFIG = '/etc/patroni/config.yml';

/** Milliseconds until all members have to stream. */
const PATIENCE = 180_000;

/** A cluster in which all members work. */
export interface Standing {
  leader: LabHost;
  /** Who can take the lead: the synchronous standby, or the host after the leader. */
  next: LabHost;
}

interface Listed {
  Member: string;
  Role: string;
  State: string;
  TL: number;
}

/**
 * Waits until one member leads and all others stream on its timeline, by Patroni's word and by the leader's.
 * @throws Error with what Patroni lists, where that takes too long
 */
export async function settled(hosts: readonly LabHost[]): Promise<Standing> {
  const [first] = hosts as [LabHost];
  const end = Date.now() + PATIENCE;
  for (;;) {
    const listed = JSON.parse(await must(first, `patronictl -c ${PATRONI_CONFIG} list -f json`)) as Listed[];
    const standing = await standingOf(hosts, listed);
    if (standing !== undefined) return standing;
    if (Date.now() > end)
      throw new Error(`patronictl lists ${listed.map(({ Member, Role, State }) => `${Member} ${Role} ${State}`).join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function standingOf(hosts: readonly LabHost[], listed: readonly Listed[]): Promise<Standing | undefined> {
  const leads = listed.find(({ Role, State }) => Role === 'Leader' && State === 'running');
  const streaming = listed.filter(({ State, TL }) => State === 'streaming' && TL === leads?.TL);
  const index = hosts.findIndex(({ name }) => name === leads?.Member);
  const leader = hosts[index];
  if (leader === undefined || streaming.length !== hosts.length - 1) return undefined;
  const connected = await sql(leader, "select count(*) from pg_stat_replication where state = 'streaming'").catch(() => '');
  if (Number(connected) !== hosts.length - 1) return undefined;
  const wanted = streaming.find(({ Role }) => Role === 'Sync Standby')?.Member;
  const isSynchronous = (await sql(leader, 'show synchronous_standby_names').catch(() => '')) !== '';
  const next = wanted === undefined ? hosts[(index + 1) % hosts.length] : hosts.find(({ name }) => name === wanted);
  return next === undefined || (isSynchronous && wanted === undefined) ? undefined : { leader, next };
}
