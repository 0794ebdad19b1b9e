import { expect, it } from 'vitest';
import { Doctor } from '../integration/support/doctor.js';
import { doctorsCluster } from '../integration/support/doctors-cluster.js';
import { forgetJournal } from '../integration/support/kernel.js';
import { patronictlList } from '../integration/support/outside.js';
import { giveClock, removeClock, setClock } from '../integration/support/own-clock.js';
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

it('finds transactions that have held back vacuum since yesterday, and has them ended', async () => {
  const { cluster, doctor } = at;
  const { leader } = await doctor.members();
  const host = cluster.host(leader);
  await doctor.configure('-p max_prepared_transactions=5');
  // Patroni takes a server for another program's whose clock is wrong when it starts.
  await giveClock(host, '+0 s');
  expect((await cluster.run('restart', '--pending', '--yes')).code).toBe(0);
  expect((await doctor.members()).leader).toBe(leader);
  await setClock(host, '-25h');
  expect(await ahead(leader)).toBeLessThan(-24 * 3600);
  await doctor.provoke(
    {
      diagnosis: 'old-transactions',
      level: 'danger',
      host: leader,
      line: /^pid \d+, postgres in postgres, psql: idle in transaction, for 25 h$/u,
      what: /^a transaction has been open for 25 h$/u,
      hoursAgo: 26,
      wrong: () => {
        const open = `(echo "BEGIN; SELECT txid_current();"; sleep 900) | runuser -u postgres -- psql -qX`;
        return doctor.on(leader, `cd /; setsid sh -c '${open}' >/dev/null 2>&1 & sleep 2`);
      },
      advice: 'mends',
    },
    {
      diagnosis: 'old-transactions',
      level: 'danger',
      host: leader,
      line: /^held in postgres, for 25 h$/u,
      what: /^a prepared transaction has waited for its end for 25 h$/u,
      hoursAgo: 26,
      wrong: async () => {
        await doctor.at(leader, "BEGIN; CREATE TABLE held (n int); PREPARE TRANSACTION 'held'");
        await setClock(host, '+0 s');
        await removeClock(host);
      },
      advice: 'mends',
    },
  );
  expect(await doctor.at(leader, 'SELECT count(*) FROM pg_prepared_xacts')).toBe('0');
});

it('finds a restart that a setting has waited for since yesterday, and has it done', async () => {
  const { cluster } = at;
  const doctor = new Doctor(cluster, '--since', '2d');
  const { leader, one } = await doctor.members();
  const host = cluster.host(one);
  const waits = async (): Promise<string | undefined> =>
    (await patronictlList(host)).find(({ Member }) => Member === one)?.['Pending restart'];
  await doctor.provoke({
    diagnosis: 'pending-restart',
    level: 'notice',
    line: /^max_locks_per_transaction: 64 -> 80$/u,
    what: new RegExp(`^${one} has waited for a restart for 25 h$`, 'u'),
    hoursAgo: 26,
    wrong: async () => {
      // Only the journal goes by the other clock: Patroni's word of the change is of yesterday, and the start of the server is forgotten.
      await forgetJournal(host);
      await giveClock(host, '-25h');
      await doctor.on(one, 'systemctl restart systemd-journald');
      await removeClock(host);
      await doctor.patronictl(leader, 'edit-config --force -p max_locks_per_transaction=80 demo');
      await expect.poll(waits, { timeout: patience(30_000) }).toBe('*');
      await doctor.on(one, 'systemctl restart systemd-journald');
    },
    advice: 'mends',
  });
  expect(await doctor.at(one, 'SHOW max_locks_per_transaction')).toBe('80');
});

it('finds a host whose clock nothing keeps, and has the program that is there for it started', async () => {
  const { doctor } = at;
  const { other } = await doctor.members();
  const unit = '[Service]\\nExecStart=/root/chronyd infinity\\n[Install]\\nWantedBy=multi-user.target\\n';
  await doctor.provoke({
    diagnosis: 'clock-unkept',
    level: 'notice',
    host: other,
    line: /^NTPSynchronized=no$/u,
    wrong: () =>
      doctor.on(
        other,
        `# It sleeps: nothing is to set the clock of this machine, which is that of its containers as well.
cp "$(command -v sleep)" /root/chronyd
printf '${unit}' >/etc/systemd/system/chronyd.service
mkdir -p /etc/systemd/ntp-units.d
echo chronyd.service >/etc/systemd/ntp-units.d/50-chronyd.list
systemctl daemon-reload
# A container calls itself one, and is not asked then.
printf '#!/bin/sh\\nexit 1\\n' >/root/none
chmod +x /root/none
mount --bind /root/none "$(command -v systemd-detect-virt)"`,
      ),
    advice: 'mends',
    undo: () =>
      doctor.on(
        other,
        `systemctl disable --now chronyd
umount "$(command -v systemd-detect-virt)"
rm -r /root/none /root/chronyd /etc/systemd/system/chronyd.service /etc/systemd/ntp-units.d
systemctl daemon-reload`,
      ),
  });
});
