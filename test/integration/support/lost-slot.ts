import { expect } from 'vitest';
import type { Doctor } from './doctor.js';

/** Fills segments of WAL and has the server remove what nobody needs. */
export async function writeWal(doctor: Doctor, name: string, segments: number): Promise<void> {
  for (let round = 0; round < segments; round += 1) {
    await doctor.at(name, 'SELECT txid_current()');
    await doctor.at(name, 'SELECT pg_switch_wal()');
  }
  await doctor.at(name, 'CHECKPOINT');
}

/** Has a standby's slot lose its WAL while the standby is stopped, and then finds the standby cut off and the slot of no use. */
export async function provokeLostSlot(doctor: Doctor, data: string): Promise<void> {
  const { leader, other } = await doctor.members();
  // In an image the folder of a slot cannot be renamed, which is how PostgreSQL removes one.
  await doctor.on(leader, `cd ${data}/pg_replslot && for slot in *; do cp -a $slot /root/; rm -r $slot; mv /root/$slot .; done`);
  await doctor.configure('-p max_slot_wal_keep_size=1MB -p wal_keep_size=16MB');
  await doctor.on(other, 'systemctl stop patroni');
  await writeWal(doctor, leader, 6);
  const [slot] = await doctor.see(
    { diagnosis: 'slots', level: 'danger', host: leader, line: /LOG: {2}invalidating (?:obsolete replication )?slot "/u },
    { diagnosis: 'unit-stopped', level: 'broken', host: other, line: /^patroni\.service is inactive$/u },
  );
  expect(slot?.what).toBe(`the replication slot ${other} has lost WAL that its user needs`);
  await doctor.on(other, 'systemctl start patroni');
  await doctor.configure('-p max_slot_wal_keep_size=null -p wal_keep_size=null');
  await doctor.provoke(
    {
      diagnosis: 'wal-removed',
      level: 'danger',
      host: other,
      line: /ERROR: {2}(?:requested WAL segment \w+ has already been removed|can no longer (?:access|get changes))/u,
      advice: 'mends',
    },
    {
      diagnosis: 'slots',
      level: 'danger',
      host: leader,
      line: new RegExp(`^${other}: physical, .*(?:wal_status lost|invalidated: wal_removed)`, 'u'),
    },
  );
}
