import type { DataDirectoryState } from './data-directory.js';
import type { PatroniMemberState } from './patroni/member.js';

/** What Patroni calls a server that runs and takes no connections yet. */
const COMING_UP = new Set(['starting', 'restarting', 'starting after custom bootstrap']);

/**
 * That a host's PostgreSQL is on its way up, as a clause about it: `recovers from a crash, replaying WAL file 000000010000000000000005`; undefined
 * where it is not known. It may take as long as there is WAL to replay, and ends by itself.
 */
export function recoveryWords(data: DataDirectoryState | undefined, member: PatroniMemberState | undefined): string | undefined {
  const found = data?.kind === 'cluster' ? data : undefined;
  const at = found?.replays === undefined ? '' : `, replaying WAL file ${found.replays}`;
  if (found?.alone === true) return `recovers from a crash in single-user mode${at}`;
  const state = member?.answers === true ? member.state : '';
  if (state === 'running pg_rewind') return 'is being rewound (pg_rewind)';
  if (found?.running !== true) return undefined;
  if (found.clusterState === 'in crash recovery') return `recovers from a crash${at}`;
  return COMING_UP.has(state) ? `runs and takes no connections yet (Patroni calls it “${state}”)${at}` : undefined;
}
