import { describe, expect, it } from 'vitest';
import { pgprov } from '../integration/support/pgprov.js';
import type { TestCluster } from '../integration/support/cluster.js';
import { etcdctl, must, patronictlConfig } from '../integration/support/outside.js';
import { placesOf } from '../integration/support/places.js';
import { onRecoveringCluster, type RecoveringCluster } from '../integration/support/recovering.js';
import { type LabHost, SELINUX_LOG, SELINUX_MODE, type System } from '../lab/index.js';

/** Paths, units, labels of files, and versions of PostgreSQL (15), Patroni (3.0) and etcd (3.4) differ from what Debian 13 has. */
describe.each<System>(['rocky9', 'debian12'])('pgprov recover on %s', (os) => {
  const { data, patroniConfig } = placesOf(os);
  const auto = `${data}/postgresql.auto.conf`;
  const labels = os === 'rocky9';
  let tested: RecoveringCluster;
  let cluster: TestCluster;

  const recover = async (): Promise<string> => {
    const { code, all } = await tested.recover('--yes');
    expect(code, all).toBe(0);
    return all;
  };
  const rights = (host: LabHost, path: string): Promise<string> => must(host, `stat -c '%U:%G %a' ${path}`);
  const startAll = async (): Promise<void> => {
    for (const host of cluster.hosts) await must(host, 'systemctl start patroni');
  };
  const healthy = async (): Promise<void> => {
    const { code, all } = await pgprov('doctor', cluster.file);
    expect(code, all).toBe(0);
  };

  onRecoveringCluster(async (begun) => {
    tested = begun;
    cluster = begun.cluster;
    if (labels) for (const host of cluster.hosts) await must(host, `echo Enforcing >${SELINUX_MODE}`);
  }, os);

  it('corrects a setting in etcd, in patroni.yml and in postgresql.auto.conf, and keeps whose files these are', async () => {
    const last = await tested.leader();
    const [one, two] = tested.others(last);
    await tested.patch({ postgresql: { parameters: { shared_buffers: '48MB' } } });
    await tested.patch({ postgresql: { parameters: { shared_buffers: '500GB' } } });
    await tested.stopAll(last);
    const before = [await rights(one, patroniConfig), await rights(two, auto)];
    await must(one, `sed -i 's/^  parameters:.*/  parameters:\\n    shared_buffers: 600GB/' ${patroniConfig}`);
    await must(two, `echo "shared_buffers = '700GB'" >>${auto}`);
    if (labels) await must(one, `: >${SELINUX_LOG}`);
    await startAll();
    await expect
      .poll(() => Promise.all(cluster.hosts.map((host) => must(host, 'journalctl -u patroni -n 200 -o cat --no-pager'))))
      .toEqual(cluster.hosts.map(() => expect.stringContaining('could not map anonymous shared memory')));
    const said = await recover();
    expect(said).toContain('shared_buffers = 500GB becomes 48MB, as etcd had it before');
    expect(said).toContain(`write patroni.yml on ${one.name} as the inventory has it`);
    expect(said).toContain(`take shared_buffers out of postgresql.auto.conf on ${two.name}`);
    await tested.expectWhole(last.name);
    expect([await rights(one, patroniConfig), await rights(two, auto)]).toEqual(before);
    expect(await must(two, `ls ${auto}*; grep -c shared_buffers ${auto} || :`)).toBe(`${auto}\n0`);
    if (labels) expect(await must(one, `cat ${SELINUX_LOG}`)).toContain(`restorecon ${patroniConfig}`);
    await healthy();
  });

  it('begins etcd anew from the member that has its data, and puts Patroni’s keys back', async () => {
    const last = await tested.leader();
    const config = await patronictlConfig(last);
    await tested.stopAll(last);
    const history = await tested.key(last, 'history');
    const directory = '/var/lib/etcd/demo';
    const before = await Promise.all(cluster.hosts.map((host) => rights(host, directory)));
    for (const host of cluster.hosts) await must(host, 'systemctl stop etcd');
    for (const host of tested.others(last)) await must(host, `rm -rf ${directory}/member`);
    expect(await recover()).toContain(`from etcd’s data on ${last.name}`);
    await tested.expectWhole(last.name);
    expect(await patronictlConfig(last)).toBe(config);
    expect(await tested.key(last, 'history')).toContain(history.slice(0, -1));
    expect(await Promise.all(cluster.hosts.map((host) => rights(host, directory)))).toEqual(before);
    expect(await must(last, `ls -d ${directory}.aside-*/member`)).toContain('member');
    expect(await Promise.all(cluster.hosts.map((host) => must(host, 'systemctl is-enabled etcd patroni')))).toEqual(
      cluster.hosts.map(() => 'enabled\nenabled'),
    );
    expect((await cluster.run('apply')).all).toContain('No changes');
    await healthy();
  });

  it('gives the scope its identity back, from what the members used last', async () => {
    const last = await tested.leader();
    const config = await patronictlConfig(last);
    await tested.stopAll(last);
    await etcdctl(last, 'del --prefix /service/demo/');
    await recover();
    await tested.expectWhole(last.name);
    expect(await patronictlConfig(last)).toBe(config);
    await healthy();
  });

  it('gives PostgreSQL its data back', async () => {
    const first = await tested.leader();
    const [standby] = tested.others(first);
    await must(standby, `systemctl stop patroni; chown root ${data}/global/pg_control; chmod 0755 ${data}`);
    await tested.commit(first);
    await must(standby, 'systemctl start patroni || :');
    expect(await recover()).toContain(`${data}/global/pg_control belongs to root`);
    await tested.expectWhole(first.name);
    expect([await rights(standby, data), await rights(standby, `${data}/global/pg_control`)]).toEqual([
      'postgres:postgres 700',
      'postgres:postgres 600',
    ]);
    await healthy();
  });
});
