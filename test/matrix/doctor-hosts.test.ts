import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { Doctor } from '../integration/support/doctor.js';
import { etcdctl } from '../integration/support/outside.js';
import { placesOf } from '../integration/support/places.js';
import { patience } from '../support/patience.js';

/**
 * What is not here cannot be had in containers: clocks of their own, memory that is short or limited and the kernel's log (so no OOM kill, no errors
 * of disks), another version of etcd.
 */

let cluster: TestCluster;
let doctor: Doctor;

beforeAll(async () => {
  cluster = await TestCluster.converged();
  doctor = new Doctor(cluster);
});

afterAll(() => cluster.remove());

const { etcdTls: TLS, patroniConfig: CONFIG } = placesOf('debian13');
const MEMBER = '/var/lib/etcd/demo';

const on = (name: string, command: string): Promise<string> => doctor.on(name, command);
const onAll = (names: readonly string[], command: string): Promise<unknown> => Promise.all(names.map((name) => on(name, command)));

describe('hosts', () => {
  it('a port is held by another program', async () => {
    const { one } = await doctor.members();
    const found = await doctor.provoke(
      { diagnosis: 'port-held', level: 'broken', host: one, line: /^:8008 python3 no unit$/u, mends: true },
      () =>
        on(one, 'systemctl stop patroni; cd /tmp; setsid python3 -m http.server 8008 >/dev/null 2>&1 & sleep 2; systemctl start patroni'),
      () => on(one, 'systemctl restart patroni'),
    );
    expect(found.consequences.map(({ diagnosis }) => diagnosis)).toContain('member-down');
  });

  it('a unit has failed, in the words of its program', async () => {
    const { one } = await doctor.members();
    const wrong =
      'cp -p /etc/default/etcd /root/etcd; echo ETCD_LISTEN_CLIENT_URLS=nonsense >>/etc/default/etcd; for n in 1 2 3 4 5 6 7; do timeout 9 systemctl restart etcd; done; :';
    await doctor.provoke(
      { diagnosis: 'unit-failed', level: 'broken', host: one, line: /invalid value \\"nonsense\\" for ETCD_LISTEN_CLIENT_URLS/u },
      () => on(one, wrong),
      () => on(one, 'cp -p /root/etcd /etc/default/etcd; systemctl reset-failed etcd; systemctl start etcd'),
    );
  });

  it('a certificate is of another authority', async () => {
    const { one } = await doctor.members();
    const make =
      'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=other -days 3 -keyout /root/other.key -out /root/other.crt';
    const found = await doctor.provoke(
      {
        diagnosis: 'certificates',
        level: 'broken',
        host: one,
        line: /^none of the authorities in it signed that certificate$/u,
        mends: true,
      },
      () =>
        on(
          one,
          `${make} && cat /root/other.crt >${TLS}/node.crt && cat /root/other.key >${TLS}/node.key; timeout 9 systemctl restart etcd; :`,
        ),
    );
    expect(found.what).toContain(`is of an authority that`);
  });

  it('a host is not reached over SSH, while its services work', async () => {
    const { one } = await doctor.members();
    await doctor.provoke(
      { diagnosis: 'host-unreachable', level: 'danger', host: one, line: /port 5432 open/u },
      () => on(one, 'systemctl stop ssh.socket ssh 2>/dev/null; :'),
      () => on(one, 'systemctl start ssh'),
    );
  });

  it('a host upgrades and restarts itself, and upgraded PostgreSQL', async () => {
    const { one } = await doctor.members();
    const settings = 'APT::Periodic::Unattended-Upgrade "1";\nUnattended-Upgrade::Automatic-Reboot "true";\n';
    const log = '/var/log/unattended-upgrades';
    const upgraded = `install -d ${log}; echo "$(date '+%F %T'),123 INFO Packages that will be upgraded: libpq5 postgresql-17" >${log}/unattended-upgrades.log`;
    const program = 'printf "#!/bin/sh\\n" >/usr/bin/unattended-upgrade; chmod +x /usr/bin/unattended-upgrade';
    const found = await doctor.provoke(
      { diagnosis: 'automatic-upgrades', level: 'danger', host: one, line: /^apt-daily-upgrade\.timer is active$/u, mends: true },
      () =>
        on(
          one,
          `${program}; printf '${settings}' >/etc/apt/apt.conf.d/99unattended; ${upgraded}; systemctl enable --now apt-daily-upgrade.timer`,
        ),
      () =>
        on(
          one,
          `rm -r /usr/bin/unattended-upgrade /etc/apt/apt.conf.d/99unattended ${log}; systemctl disable --now apt-daily-upgrade.timer`,
        ),
    );
    expect(found.what).toContain('restarts itself');
  });
});

describe('etcd', () => {
  it('has no quorum, which a leader in failsafe mode outlives', async () => {
    await doctor.configure('-s failsafe_mode=true');
    const { leader, one, other } = await doctor.members();
    const found = await doctor.provoke(
      { diagnosis: 'store-quorum', level: 'broken', line: /^the member runs, and is not part of a quorum$/u },
      async () => {
        await onAll([one, other], 'systemctl stop etcd');
        await doctor.see({ diagnosis: 'store-quorum', level: 'broken', line: /^the member does not run$/u });
        const said = () =>
          on(leader, "journalctl -u patroni --since -60s | grep -c 'failsafe mode is enabled and all members are accessible' || :");
        await expect.poll(said, { timeout: patience(60_000) }).not.toBe('0');
      },
      () => onAll([one, other], 'systemctl start etcd'),
    );
    expect(found.consequences.map(({ diagnosis, host }) => [diagnosis, host])).toContainEqual(['failsafe', leader]);
    await doctor.configure('-s failsafe_mode=null');
  });

  it('a member has lost its data', async () => {
    const { one } = await doctor.members();
    await doctor.provoke(
      { diagnosis: 'store-identity', level: 'danger', host: one, line: /"error":"member \w+ has already been bootstrapped"/u },
      () =>
        on(
          one,
          `systemctl stop etcd; mv ${MEMBER} /root/member; install -d -o etcd -g etcd -m 700 ${MEMBER}; timeout 20 systemctl start etcd; :`,
        ),
      () =>
        on(one, `systemctl stop etcd; rm -r ${MEMBER}; cp -a /root/member ${MEMBER}; systemctl reset-failed etcd; systemctl start etcd`),
    );
  });

  it('counts on a member that is not in the inventory', async () => {
    const { leader } = await doctor.members();
    const found = await doctor.provoke(
      { diagnosis: 'store-members', level: 'danger', line: /^[0-9a-f]+, unstarted, , https:\/\/192\.0\.2\.9:2380, , true$/u, mends: true },
      () => etcdctl(cluster.host(leader), 'member add pg9 --learner --peer-urls=https://192.0.2.9:2380'),
    );
    expect(found.follows).toContain('it has no vote');
  });

  it('has reached its quota', async () => {
    const names = cluster.hosts.map(({ name }) => name);
    const { leader } = await doctor.members();
    const quota = 'sed -i s/^ETCD_QUOTA_BACKEND_BYTES=.*/ETCD_QUOTA_BACKEND_BYTES=3000000/ /etc/default/etcd; systemctl restart etcd';
    const fill = `head -c 100000 /dev/zero | tr '\\0' x >/root/big; . /root/etcdctl; for n in $(seq 60); do etcdctl put big "$(cat /root/big)" || break; done; :`;
    const tls = `ETCDCTL_CACERT=${TLS}/ca.crt ETCDCTL_CERT=${TLS}/node.crt ETCDCTL_KEY=${TLS}/node.key`;
    await doctor.provoke(
      { diagnosis: 'store-space', level: 'broken', line: /^memberID:\d+ alarm:NOSPACE$/u, mends: true },
      async () => {
        for (const name of names) await on(name, `cp -p /etc/default/etcd /root/etcd; ${quota}; sleep 2`);
        await on(
          leader,
          `echo export ETCDCTL_API=3 ETCDCTL_ENDPOINTS=https://${cluster.host(leader).address}:2379 ${tls} >/root/etcdctl; ${fill}`,
        );
      },
      async () => {
        for (const name of names) await on(name, 'cp -p /root/etcd /etc/default/etcd; systemctl restart etcd; sleep 2');
        await on(leader, '. /root/etcdctl; etcdctl del big');
      },
    );
  });

  it('has a disk that takes seconds for a write', async () => {
    const { one } = await doctor.members();
    const tls = `--cacert=${TLS}/ca.crt --cert=${TLS}/node.crt --key=${TLS}/node.key`;
    const put = `ETCDCTL_API=3 etcdctl --endpoints=https://${cluster.host(one).address}:2379 ${tls} put slow x >/dev/null 2>&1`;
    const write = `(end=$(($(date +%s) + 40)); while [ $(date +%s) -lt $end ]; do ${put}; done) &`;
    // A member that is stopped in the midst of a write has taken as long for it as one with a slow disk.
    const stop = 'pid=$(pgrep -x etcd); for n in $(seq 18); do kill -STOP $pid; sleep 1.3; kill -CONT $pid; sleep 0.7; done';
    await doctor.provoke(
      { diagnosis: 'store-slow', host: one, line: /"msg":"slow fdatasync","took":"1\.\d+s"/u },
      () => on(one, `${write} ${write} ${write} ${stop}; wait`),
      () => on(one, 'journalctl --rotate; journalctl --vacuum-time=1s'),
    );
  });
});

describe('Patroni', () => {
  it('asks its store by the v2 API', async () => {
    const { one } = await doctor.members();
    await doctor.provoke(
      {
        diagnosis: 'store-protocol',
        level: 'broken',
        host: one,
        line: /Failed to get list of machines from https:\/\/\S+\/v2: /u,
        mends: true,
      },
      () => on(one, `sed -i 's/^etcd3:/etcd:/' ${CONFIG}; systemctl restart patroni`),
    );
  });

  it('runs nowhere: first of all nobody leads, and the identity is lost besides', async () => {
    const names = cluster.hosts.map(({ name }) => name);
    await onAll(names, 'systemctl stop patroni');
    const [first] = await doctor.findings();
    expect([first?.level, first?.diagnosis]).toEqual(['broken', 'no-leader']);
    await doctor.provoke({ diagnosis: 'initialize-key', level: 'broken', line: /^initialize = \(no such key\)$/u, mends: true }, () =>
      etcdctl(cluster.host('pg1'), 'del /service/demo/initialize'),
    );
  });

  it('has a watchdog that is required, and not there', async () => {
    const { one } = await doctor.members();
    await cluster.write({ patroni: { watchdog: 'required' } });
    await doctor.provoke(
      { diagnosis: 'watchdog', level: 'broken', host: one, line: /^there is no \/dev\/watchdog$/u },
      () => Promise.resolve(),
      () => cluster.write(),
    );
  });
});
