import { describe, expect, it } from 'vitest';
import { groupKind, isFirst, isPart } from '../../../src/cli/init/group-kinds.js';

describe('the name of a group', () => {
  it.each([
    [
      'postgresql',
      [
        'postgres_cluster',
        'postgresql',
        'pg-nodes',
        'pg16',
        'patroni',
        'db',
        'db-servers',
        'dbservers',
        'pgCluster',
        'databases',
        'app_db',
      ],
    ],
    ['postgresql', ['master', 'replica', 'primary', 'standbys', 'pg_master', 'orders-primary']],
    ['store', ['etcd', 'etcd_cluster', 'etcd-nodes', 'etcd3', 'dcs', 'pg_etcd', 'etcd_master']],
    [
      'helper',
      [
        'haproxy',
        'balancers',
        'consul',
        'consul_instances',
        'pgbackrest',
        'backup',
        'db_backup',
        'postgres_exporter',
        'pg-monitoring',
        'pgbouncer',
      ],
    ],
    ['helper', ['web', 'bastion', 'redis_master', 'log-server', 'barman', 'witness']],
    [undefined, ['dc1', 'prod', 'servers', 'tag_Cluster_speedy', 'upgrade', 'standing', 'debian']],
  ])('says %s: %j', (kind, names) => {
    expect(names.map((name) => [name, groupKind(name)])).toEqual(names.map((name) => [name, kind]));
  });

  it('says what part of a cluster it is', () => {
    expect(['master', 'pg_primary', 'replica', 'redis_master', 'postgres'].map((name) => [isFirst(name), isPart(name)])).toEqual([
      [true, true],
      [true, true],
      [false, true],
      [false, true],
      [false, false],
    ]);
  });
});
