import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestCluster } from '../integration/support/cluster.js';
import { offerNewerRpms } from '../integration/support/newer-rpms.js';
import { must } from '../integration/support/outside.js';
import { start, pgprov } from '../integration/support/pgprov.js';
import { WrittenCluster } from '../integration/support/written-cluster.js';

const NAMES = ['pg1', 'pg2', 'pg3'];

describe('an update on Rocky 9, with a client that writes', () => {
  let written: WrittenCluster | undefined;
  let cluster: TestCluster;
  let versions: Record<string, string> = {};

  const onAll = (command: string): Promise<string[]> => Promise.all(cluster.hosts.map((host) => must(host, command)));
  const starts = (unit: string): Promise<string[]> => onAll(`systemctl show -p InvocationID --value ${unit}`);

  beforeAll(async () => {
    written = await WrittenCluster.start({}, 'rocky9');
    ({ cluster } = written);
    versions = await offerNewerRpms(cluster.hosts, '9PGDG.rhel9', [
      { name: 'patroni', change: "sed -i 's/4\\.0\\.7/4.0.8/' usr/lib/python3/dist-packages/patroni/version.py" },
      { name: 'patroni-etcd' },
      { name: 'etcd' },
    ]);
  });

  afterAll(async () => {
    await written?.remove();
  });

  it('holds back what the packages would restart, and restarts in its own order', async () => {
    const [patroni, etcd] = [await starts('patroni'), await starts('etcd')];
    const run = start(['update', cluster.file, '--packages', 'patroni,etcd', '--yes']);
    // Installed on pg2, and nothing restarted yet.
    await run.printed(/update\/restart-store-pg2/u);
    run.process.kill('SIGKILL');
    await run.finished;
    expect((await starts('patroni'))[1]).toBe(patroni[1]);
    const { code, all } = await pgprov('update', cluster.file, '--packages', 'patroni,etcd', '--yes');
    expect(code, all).toBe(0);
    for (const name of ['patroni', 'etcd'])
      expect(new Set(await onAll(`rpm -q --qf '%{VERSION}-%{RELEASE}' ${name}`)), name).toEqual(new Set([versions[name]]));
    expect((await starts('patroni')).filter((id, at) => id === patroni[at])).toEqual([]);
    expect((await starts('etcd')).filter((id, at) => id === etcd[at])).toEqual([]);
    expect(await onAll('curl -s http://$(hostname -I | cut -d " " -f 1):8008/patroni')).toEqual(
      NAMES.map(() => expect.stringContaining('"version": "4.0.8"')),
    );
    expect(await onAll('find /run/systemd/system -name pgprov-hold.conf')).toEqual(['', '', '']);
    expect(await written?.whole()).not.toBe('pg1');
  });
});
