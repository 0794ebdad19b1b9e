import { describe, expect, it } from 'vitest';
import type { LabHost } from '../lab/index.js';
import { longCase } from '../support/long-case.js';
import { patience } from '../support/patience.js';
import type { TestCluster } from './support/cluster.js';
import { controldata, etcdctl, must, patronictlConfig, sql } from './support/outside.js';
import { pgprov, start } from './support/pgprov.js';
import { placesOf } from './support/places.js';
import { onRecoveringCluster, type RecoveringCluster } from './support/recovering.js';
import { restartInVain } from './support/restart-in-vain.js';

describe('pgprov recover', () => {
  let tested: RecoveringCluster;
  let cluster: TestCluster;

  onRecoveringCluster((begun) => {
    tested = begun;
    cluster = begun.cluster;
  });

  it('corrects a setting that no PostgreSQL starts with, and starts the member with the last commits first, also after it was killed', async () => {
    const [pg1, pg2, pg3] = cluster.hosts as [LabHost, LabHost, LabHost];
    await tested.patch({ postgresql: { parameters: { shared_buffers: '48MB' } } });
    await tested.patch({ postgresql: { parameters: { shared_buffers: '500GB', work_mem: '13MB' } } });
    // The standby first, then the leader: pg2 takes over, and only pg2 has what is committed from then on.
    for (const host of [pg3, pg1, pg2]) {
      if (host === pg2) {
        await expect.poll(() => sql(pg2, 'select pg_is_in_recovery()'), { timeout: patience(90_000) }).toBe('f');
        await tested.commit(pg2);
      }
      await restartInVain(host);
    }
    await expect.poll(() => etcdctl(pg1, 'get /service/demo/leader --print-value-only'), { timeout: patience(60_000) }).toBe('');

    const shown = await tested.recover('--check');
    expect(shown.code, shown.all).toBe(0);
    expect(shown.all).toContain('2. stop Patroni on pg1, pg2 and pg3, and see that no PostgreSQL runs');
    expect(shown.all).toContain('shared_buffers = 500GB becomes 48MB, as etcd had it before');
    expect(shown.all).toContain('could not map anonymous shared memory: Cannot allocate memory');
    expect(shown.all).toContain('start pg2, which has the last commits, alone, and wait until it leads');

    const killed = start(['recover', cluster.file, '--yes']);
    await killed.printed(/correct the dynamic configuration/u);
    killed.process.kill('SIGKILL');
    await killed.finished;
    const { code, all } = await tested.recover('--yes');
    expect(code, all).toBe(0);
    await tested.expectWhole('pg2');
    const config = await patronictlConfig(pg1);
    expect(config).toContain('shared_buffers: 48MB');
    expect(config).toContain('work_mem: 13MB');
    const enabled = await Promise.all(cluster.hosts.map((host) => must(host, 'systemctl is-enabled patroni')));
    expect(enabled).toEqual(['enabled', 'enabled', 'enabled']);
    const again = await tested.recover('--yes');
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('pg2 leads, and all members stream from it')]);
  });

  longCase(
    'a scope without its identity',
    'gives the scope its identity back where etcd has lost it, and never makes a new cluster over the data',
    async () => {
      const last = await tested.leader();
      const before = await patronictlConfig(last);
      const identifier = await controldata(last, 'Database system identifier');
      await tested.stopAll(last);
      await etcdctl(cluster.host('pg1'), 'del --prefix /service/demo/');
      const apply = await pgprov('apply', cluster.file, '--yes');
      expect(apply.code, apply.all).toBe(4);
      const { code, all } = await tested.recover('--yes');
      expect(code, all).toBe(0);
      expect(all).toContain(`patroni.dynamic.json of ${last.name}`);
      await tested.expectWhole(last.name);
      expect(await etcdctl(last, 'get /service/demo/initialize --print-value-only')).toBe(identifier);
      expect(await patronictlConfig(last)).toBe(before);
    },
  );

  longCase(
    'a power cut of all members',
    'starts the furthest first after a power cut, and goes on without a host only where that is told',
    async () => {
      const last = await tested.leader();
      const [one, two] = tested.others(last);
      await must(one, 'systemctl disable --now patroni');
      await must(two, 'systemctl disable --now patroni');
      await tested.commit(last);
      await must(last, 'systemctl disable patroni');
      await Promise.all(cluster.hosts.map((host) => host.kill()));
      await Promise.all([one, two].map((host) => host.start()));
      const refused = await tested.recover('--yes');
      expect([refused.code, refused.all]).toEqual([
        4,
        expect.stringContaining(`nobody leads, and ${last.name}, which cannot be reached, may have the last commits`),
      ]);
      expect(refused.all).toContain(`--without ${last.name}`);
      await last.start();
      const { code, all } = await tested.recover('--yes');
      expect(code, all).toBe(0);
      await Promise.all(cluster.hosts.map((host) => must(host, 'systemctl enable patroni')));
      await tested.expectWhole(last.name);

      await one.kill();
      const partly = await tested.recover('--yes');
      expect([partly.code, partly.all]).toEqual([3, expect.stringContaining(`${one.name} could not be reached, so it is as it was`)]);
      expect((await tested.recover('--without', one.name, '--yes')).code).toBe(0);
      await one.start();
      const whole = await tested.recover('--yes');
      expect([whole.code, whole.all]).toEqual([0, expect.stringContaining(`${last.name} leads`)]);
      await tested.expectWhole(last.name);

      await must(two, 'systemctl stop etcd');
      const started = await tested.recover('--yes');
      expect([started.code, started.all]).toEqual([0, expect.stringContaining(`start etcd on ${two.name} as well, where it is down`)]);
      expect(await must(two, 'systemctl is-active etcd')).toBe('active');
    },
  );

  longCase('a member that cannot start', 'gives PostgreSQL its data back, and names a member that has to be rebuilt', async () => {
    const first = await tested.leader();
    const [standby] = tested.others(first);
    const { data, patroniConfig } = placesOf(standby.os);
    await must(standby, `systemctl stop patroni; chown root ${data}/global/pg_control; chmod 0755 ${data}`);
    await tested.commit(first);
    await must(standby, `printf 'a: [b\n' >${patroniConfig}; systemctl start patroni || :`);
    const { code, all } = await tested.recover('--yes');
    expect(code, all).toBe(0);
    expect(all).toContain(`there is none on ${standby.name} that Patroni could start with`);
    expect(all).toContain(`${data}/global/pg_control belongs to root`);
    await tested.expectWhole(first.name);

    await must(
      standby,
      `sed -i 's/^  parameters:.*/  parameters:\\n    shared_buffers: 600GB/' ${patroniConfig}; systemctl restart patroni`,
    );
    await expect
      .poll(() => must(standby, 'journalctl -u patroni -n 50 -o cat --no-pager'), { timeout: patience(30_000) })
      .toContain('could not map anonymous shared memory');
    const corrected = await tested.recover('--yes');
    expect(corrected.code, corrected.all).toBe(0);
    expect(corrected.all).toContain(`stop Patroni on ${standby.name}, where PostgreSQL does not start`);
    await tested.expectWhole(first.name);
  });
});
