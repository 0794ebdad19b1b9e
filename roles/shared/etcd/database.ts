import { ETCD_DATABASE, formatBytes, type EtcdDatabase, type Host, type StatusLine, type View } from '../../../src/index.js';
import { variables } from '../variables.js';
import { etcdctlOn } from './etcdctl.js';

/** Part of the quota from which on a database is near it. */
export const NEAR_QUOTA = 0.8;

/** A smaller database is not worth defragmenting: etcd keeps some free pages at all times. */
const WORTH_DEFRAGMENTING = 64 * 1024 * 1024;

/** What a person has to do about a member's database, and its alarms. */
export function databaseLines(view: View, host: Host): StatusLine[] {
  const database = view.read(host.name, ETCD_DATABASE);
  if (database === undefined) return [];
  const alarms = alarmsOf(view, host, database).flatMap((alarm) => alarmLine(view, host, alarm));
  return alarms.length > 0 ? alarms : sizeLine(view, host, database);
}

/** Its own, and of the first member that answers those of members that do not, which count for all. */
function alarmsOf(view: View, host: Host, { id, alarms }: EtcdDatabase): { alarm: string; other?: string }[] {
  const answering = view.hosts('etcd').flatMap(({ name }) => {
    const seen = view.read(name, ETCD_DATABASE);
    return seen === undefined ? [] : [{ name, id: seen.id }];
  });
  return alarms.flatMap(({ member, alarm }) => {
    if (member === id) return [{ alarm }];
    const isTold = answering.some((other) => other.id === member) || answering[0]?.name !== host.name;
    return isTold ? [] : [{ alarm, other: BigInt(member).toString(16) }];
  });
}

function alarmLine(view: View, host: Host, { alarm, other }: { alarm: string; other?: string }): StatusLine[] {
  const of = other === undefined ? '' : ` of the member ${other}, which does not answer,`;
  if (alarm === 'NOSPACE') {
    const text = `the database${of} has reached its quota (alarm NOSPACE), so etcd takes no more writes; raise etcd.quota_backend_bytes or free space with ${defragmentation(view, host)}; then \`${etcdctlOn(view, host)} alarm disarm\``;
    return [{ level: 'problem', text }];
  }
  if (alarm === 'CORRUPT') {
    const text = `the data${of} differs from that of the other members (alarm CORRUPT), so etcd takes no more writes; take the member out, let it join with an empty data directory, then \`${etcdctlOn(view, host)} alarm disarm\``;
    return [{ level: 'problem', text }];
  }
  return [{ level: 'problem', text: `etcd raised the alarm ${alarm}${of === '' ? '' : of.slice(0, -1)}` }];
}

/** Bytes from which on a host's member refuses writes. */
export function quotaOf(host: Host, { quotaBytes }: EtcdDatabase): number {
  return quotaBytes ?? variables(host, 'etcd').quota_backend_bytes;
}

/** Whether defragmenting would free much of it. */
export function isLoose({ bytes, usedBytes = bytes }: EtcdDatabase): boolean {
  return bytes >= WORTH_DEFRAGMENTING && usedBytes < bytes / 2;
}

function sizeLine(view: View, host: Host, database: EtcdDatabase): StatusLine[] {
  const { bytes, usedBytes = bytes } = database;
  const quota = quotaOf(host, database);
  const loose = isLoose(database);
  if (bytes >= quota * NEAR_QUOTA) {
    const way =
      loose || usedBytes < quota * NEAR_QUOTA ? `free space with ${defragmentation(view, host)}` : 'raise etcd.quota_backend_bytes';
    return [
      {
        level: 'problem',
        text: `the database takes ${formatBytes(bytes)} of ${formatBytes(quota)}; at its quota etcd takes no more writes: ${way}`,
      },
    ];
  }
  if (!loose) return [];
  return [
    {
      level: 'warning',
      text: `of ${formatBytes(bytes)} that the database takes it uses ${formatBytes(usedBytes)}; the rest is freed with ${defragmentation(view, host)}`,
    },
  ];
}

function defragmentation(view: View, host: Host): string {
  return `\`${etcdctlOn(view, host)} --command-timeout=60s defrag\`, as root there, one member after the other, the leader last: a member answers nobody meanwhile`;
}
