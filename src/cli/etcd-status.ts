import type { EtcdStatus } from '../lib/cluster-status.js';
import type { Host } from '../model/index.js';
import type { EtcdDatabase } from '../resources/etcd/database.js';
import type { EtcdMemberState } from '../resources/etcd/member.js';
import { settingsText, type UnitInForce } from '../resources/unit-in-force.js';
import { notRunning, type Unit } from './unit-status.js';

/**
 * A member of etcd as it says itself, or why it does not.
 * @param isHeldUp nothing may start it now
 */
export function etcdStatus(
  host: Host,
  member: EtcdMemberState | undefined,
  database: EtcdDatabase | undefined,
  unit: Unit | undefined,
  isHeldUp: boolean,
): EtcdStatus {
  if (member === undefined) return { name: host.name };
  const down = notRunning(unit, { isHeldUp });
  return {
    name: host.name,
    healthy: member.healthy,
    members: member.members.length,
    ...(member.requiresClientCertificate === undefined ? {} : { requiresClientCertificate: member.requiresClientCertificate }),
    ...(database === undefined ? {} : databaseStatus(database)),
    ...(down !== undefined ? { problem: down } : unit?.state.inForce === undefined ? {} : overrides(unit.state.inForce)),
  };
}

function databaseStatus({ id, version, leader, bytes, usedBytes, quotaBytes, alarms }: EtcdDatabase): Partial<EtcdStatus> {
  const own = alarms.filter(({ member }) => member === id).map(({ alarm }) => alarm);
  return {
    version,
    leader,
    databaseBytes: bytes,
    ...(usedBytes === undefined ? {} : { databaseUsedBytes: usedBytes }),
    ...(quotaBytes === undefined ? {} : { quotaBytes }),
    ...(own.length === 0 ? {} : { alarms: own }),
  };
}

function overrides({ running, next, dropIns }: UnitInForce): Pick<EtcdStatus, 'problem' | 'dropIns'> {
  const problems = [
    ...(running.length === 0 ? [] : [`it runs with other settings than its configuration: ${settingsText(running)}`]),
    ...(next.length === 0 ? [] : [`its next start would be with other settings than its configuration: ${settingsText(next)}`]),
  ];
  return { ...(problems.length === 0 ? {} : { problem: problems.join('; ') }), ...(dropIns.length === 0 ? {} : { dropIns }) };
}
