import { expect, it } from 'vitest';
import { doctorsCluster } from '../integration/support/doctors-cluster.js';
import { giveClock, removeClock } from '../integration/support/own-clock.js';
import { patience } from '../support/patience.js';

const at = doctorsCluster();

/** Seconds by which PostgreSQL of a host is ahead of this machine. */
const ahead = async (name: string): Promise<number> =>
  Number(await at.doctor.at(name, 'SELECT extract(epoch FROM clock_timestamp())')) - Date.now() / 1000;

it('finds a host whose clock is a minute and more ahead', async () => {
  const { cluster, doctor } = at;
  const { one } = await doctor.members();
  const [found] = await doctor.provoke({
    diagnosis: 'clocks-differ',
    level: 'danger',
    line: /^between (?:99|100)\.\d and \d+\.\d s ahead of this machine$/u,
    wrong: async () => {
      await giveClock(cluster.host(one), '+100 s');
      await doctor.on(one, 'systemctl restart patroni');
      await expect.poll(() => ahead(one).catch(() => 0), { timeout: patience(30_000) }).toBeGreaterThan(90);
    },
    advice: /Local time: /u,
    undo: async () => {
      await removeClock(cluster.host(one));
      await doctor.on(one, 'systemctl restart patroni');
    },
  });
  expect(found?.what).toMatch(new RegExp(`^the clocks of pg\\d and ${one} differ by at least (?:[89]\\d|100)\\.\\d s$`, 'u'));
});
