import { DATA_DIRECTORY, type CheckResult, type View } from '../../index.js';

/** pg_controldata’s words for a server that ended by itself, with a checkpoint. */
const CLEAN = ['shut down', 'shut down in recovery'];

/**
 * Whether PostgreSQL on a host is down and has ended cleanly.
 * @param isUp something of it still runs
 * @param wasUp it ran when the operation began; who was down before did not end by it, and only a start can mend how it did
 */
export function endedCleanly(view: View, host: string, { isUp, wasUp }: { isUp: boolean; wasUp: boolean }): CheckResult {
  const data = view.read(host, DATA_DIRECTORY);
  const title = 'PostgreSQL ended cleanly';
  if (!view.surveyed(host)) return { host, title, ok: false, detail: 'it cannot be reached, so nobody knows whether it runs' };
  if (data?.kind !== 'cluster') return { host, title, ok: !isUp, detail: 'there is no data' };
  const { clusterState = 'unknown', position } = data;
  const where = position === undefined ? '' : `, timeline ${position.timeline}, last WAL record at ${position.lastRecord ?? 'unknown'}`;
  const before = !wasUp && !CLEAN.includes(clusterState);
  const ok = !isUp && (before || CLEAN.includes(clusterState));
  return { host, title: before ? 'it was down before' : title, ok, detail: `${clusterState}${where}` };
}
