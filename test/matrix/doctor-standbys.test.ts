import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { Doctor } from '../integration/support/doctor.js';
import { provokeLostSlot } from '../integration/support/lost-slot.js';
import { placesOf } from '../integration/support/places.js';
import { patience } from '../support/patience.js';

let cluster: TestCluster;
let doctor: Doctor;

const { data: DATA } = placesOf('debian13');

beforeAll(async () => {
  cluster = await TestCluster.converged();
  doctor = new Doctor(cluster);
});

afterAll(() => cluster.remove());

it('finds a slot that has lost its WAL, the standby that needs it, and then a slot that is of no use', () => provokeLostSlot(doctor, DATA));

it('finds a replay that is paused while Patroni looks away', async () => {
  const { one } = await doctor.members();
  await doctor.configure('-s ttl=140 -s loop_wait=60');
  // Patroni has replay go on in its next loop: it must not come while doctor looks.
  const loops = (): Promise<string> => doctor.on(one, "journalctl -u patroni --since -5s -o cat | grep -c 'no action. I am' || :");
  await doctor.provoke({
    diagnosis: 'replay-paused',
    level: 'danger',
    host: one,
    line: /LOG: {2}recovery has paused$/u,
    wrong: async () => {
      await expect.poll(loops, { timeout: patience(70_000), interval: 1000 }).toBe('1');
      await doctor.at(one, 'SELECT pg_wal_replay_pause()');
      await doctor.on(one, 'sleep 31');
    },
    advice: 'mends',
  });
  await doctor.configure('-s ttl=30 -s loop_wait=10');
});
