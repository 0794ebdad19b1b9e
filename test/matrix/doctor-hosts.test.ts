import { expect, it } from 'vitest';
import type { Fault } from '../integration/support/doctor.js';
import { doctorsCluster } from '../integration/support/doctors-cluster.js';
import { etcdctl } from '../integration/support/outside.js';
import { placesOf } from '../integration/support/places.js';
import { patience } from '../support/patience.js';

const at = doctorsCluster();

const CONFIG = placesOf('debian13').patroniConfig;

it('finds a port that another program holds, a host that upgrades and restarts itself, and one that SSH does not get to', async () => {
  const { doctor } = at;
  const { leader, one, other } = await doctor.members();
  const log = '/var/log/unattended-upgrades';
  const [held, upgrades] = await doctor.provoke(
    {
      diagnosis: 'port-held',
      level: 'broken',
      host: one,
      line: /^:8008 python3 no unit$/u,
      wrong: () =>
        doctor.on(
          one,
          'systemctl stop patroni; cd /tmp; setsid python3 -m http.server 8008 >/dev/null 2>&1 & sleep 2; systemctl start patroni',
        ),
      advice: 'mends',
    },
    {
      diagnosis: 'automatic-upgrades',
      level: 'danger',
      host: leader,
      line: /^apt-daily-upgrade\.timer is active$/u,
      wrong: async () => {
        const settings = 'APT::Periodic::Unattended-Upgrade "1";\\nUnattended-Upgrade::Automatic-Reboot "true";\\n';
        const program = 'printf "#!/bin/sh\\n" >/usr/bin/unattended-upgrade; chmod +x /usr/bin/unattended-upgrade';
        await doctor.on(
          leader,
          `${program}; printf '${settings}' >/etc/apt/apt.conf.d/99unattended; systemctl enable --now apt-daily-upgrade.timer`,
        );
      },
      advice: 'mends',
      undo: () => doctor.on(leader, 'rm /usr/bin/unattended-upgrade /etc/apt/apt.conf.d/99unattended'),
    },
    {
      diagnosis: 'automatic-upgrades',
      level: 'notice',
      host: leader,
      line: /INFO Packages that will be upgraded: libpq5 postgresql-17$/u,
      wrong: async () => {
        const line = `$(date '+%F %T'),123 INFO Packages that will be upgraded: libpq5 postgresql-17`;
        await doctor.on(leader, `install -d ${log}; echo "${line}" >${log}/unattended-upgrades.log`);
      },
      undo: () => doctor.on(leader, `rm -r ${log}`),
    },
    {
      diagnosis: 'host-unreachable',
      level: 'danger',
      host: other,
      line: /port 5432 open/u,
      wrong: () => doctor.on(other, 'systemctl stop ssh.socket ssh 2>/dev/null; :'),
      undo: () => doctor.on(other, 'systemctl start ssh'),
    },
  );
  expect(held?.consequences.map(({ diagnosis }) => diagnosis)).toContain('member-down');
  expect(upgrades?.what).toContain('restarts itself');
});

it('finds a unit that has failed, in the words of its program, the old protocol of the store, and watchdogs that are not there', async () => {
  const { cluster, doctor } = at;
  const { one, other } = await doctor.members();
  const restarts = 'for n in 1 2 3 4 5 6 7; do timeout 9 systemctl restart etcd; done; :';
  const watchdogs = cluster.hosts.map(
    ({ name }): Fault => ({ diagnosis: 'watchdog', level: 'broken', host: name, line: /^there is no \/dev\/watchdog$/u }),
  );
  await doctor.provoke(
    {
      diagnosis: 'unit-failed',
      level: 'broken',
      host: one,
      line: /invalid value \\"nonsense\\" for ETCD_LISTEN_CLIENT_URLS/u,
      what: /too often in a row for systemd to start it again/u,
      wrong: () =>
        doctor.on(one, `cp -p /etc/default/etcd /root/etcd; echo ETCD_LISTEN_CLIENT_URLS=nonsense >>/etc/default/etcd; ${restarts}`),
      cause: () => doctor.on(one, 'cp -p /root/etcd /etc/default/etcd'),
      advice: 'mends',
    },
    {
      diagnosis: 'store-protocol',
      level: 'broken',
      host: other,
      line: /Failed to get list of machines from https:\/\/\S+\/v2: /u,
      wrong: () => doctor.on(other, `sed -i 's/^etcd3:/etcd:/' ${CONFIG}; systemctl restart patroni`),
      advice: 'mends',
    },
    {
      diagnosis: 'watchdog',
      level: 'broken',
      host: cluster.hosts[0]?.name ?? '',
      line: /^there is no \/dev\/watchdog$/u,
      wrong: () => cluster.write({ patroni: { watchdog: 'required' } }),
      undo: () => cluster.write(),
    },
    ...watchdogs.slice(1),
  );
});

it('finds first of all that nobody leads, and the identity that is lost besides', async () => {
  const { cluster, doctor } = at;
  const names = cluster.hosts.map(({ name }) => name);
  const stopped = names.map(
    (host): Fault => ({ diagnosis: 'unit-stopped', level: 'broken', host, line: /^patroni\.service is inactive$/u }),
  );
  await Promise.all(names.map((name) => doctor.on(name, 'systemctl stop patroni')));
  await doctor.see({ diagnosis: 'no-leader', level: 'broken', line: /^it does not answer$/u }, ...stopped);
  expect((await doctor.findings())[0]?.diagnosis).toBe('no-leader');
  const [found] = await doctor.provoke(
    {
      diagnosis: 'initialize-key',
      level: 'broken',
      line: /^initialize = \(no such key\)$/u,
      wrong: () => etcdctl(cluster.host('pg1'), 'del /service/demo/initialize'),
      advice: 'mends',
    },
    ...stopped,
  );
  expect(found?.consequences.map(({ diagnosis }) => diagnosis)).toContain('no-leader');
});

it('finds the identity of another cluster, which keeps every member from starting', async () => {
  const { cluster, doctor } = at;
  const { leader } = await doctor.members();
  const own = await etcdctl(cluster.host(leader), 'get /service/demo/initialize --print-value-only');
  const [found] = await doctor.provoke({
    diagnosis: 'initialize-key',
    level: 'broken',
    line: /^initialize = "7000000000000000001"$/u,
    what: new RegExp(
      `^the store has the identity of another cluster \\(7000000000000000001\\) than the data of every member \\(${own}\\)$`,
      'u',
    ),
    wrong: async () => {
      await etcdctl(cluster.host(leader), 'put /service/demo/initialize 7000000000000000001');
      for (const { name } of cluster.hosts)
        await expect.poll(() => doctor.on(name, 'systemctl is-active patroni || :'), { timeout: patience(60_000) }).not.toBe('active');
    },
    advice: 'mends',
  });
  expect(found?.consequences.map(({ diagnosis }) => diagnosis)).toContain('no-leader');
  expect(await etcdctl(cluster.host(leader), 'get /service/demo/initialize --print-value-only')).toBe(own);
});
