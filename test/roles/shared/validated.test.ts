import { describe, expect, it } from 'vitest';
import { CATALOG } from '../../../roles/index.js';
import { InventoryError } from '../../../src/model/index.js';
import { inventoryOf, THREE } from '../../support/inventory.js';

/** What is wrong with an inventory, a line each: place, path, message. */
async function problems(yaml: string): Promise<string[]> {
  try {
    await inventoryOf(yaml, CATALOG);
    return [];
  } catch (error) {
    if (!(error instanceof InventoryError)) throw error;
    return error.problems.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`);
  }
}

const WITHOUT_PATRONI = `cluster: demo
hosts:
  pg1: {address: 192.0.2.1}
roles: [base, pgdg, postgresql, replication]
`;

describe('access lines', () => {
  it('are read as the server will read them, each problem with its place', async () => {
    const yaml = `${THREE}postgresql:
  hba:
    - host app app 10.0.0.0/24 scram-sha-256
    - hots app app 10.0.0.0/24 scram-sha-256
    - host app app 10.0.0.0/24 scram-sha256
`;
    expect(await problems(yaml)).toEqual([
      '9:7 postgresql.hba[1]: column 1 of the line: "hots" is no connection type',
      '10:7 postgresql.hba[2]: column 26 of the line: "scram-sha256" is no authentication method',
    ]);
  });

  it('are read for the version that the host will have', async () => {
    const line = 'host app app all oauth issuer=https://idp scope=openid';
    expect(await problems(`${THREE}postgresql: {version: 18, hba: ['${line}']}\n`)).toEqual([]);
    expect(await problems(`${THREE}postgresql: {version: 16, hba: ['${line}']}\n`)).toEqual([
      expect.stringContaining('18 and later have it'),
    ]);
  });
});

describe('parameters', () => {
  it.each([
    { given: 'port: 5433', message: 'is set by postgresql.port' },
    { given: 'PORT: 5433', message: 'is set by postgresql.port' },
    { given: 'data_directory: /srv', message: 'is set by postgresql.data_dir' },
    { given: 'hba_file: /etc/hba', message: 'would override postgresql.hba' },
    { given: 'unix_socket_directories: /tmp', message: 'is where pgprov and Patroni reach the server' },
    { given: 'listen_addresses: localhost', message: 'has no effect: Patroni gives the server the addresses' },
    { given: 'cluster_name: other', message: 'has no effect: Patroni gives the server the name of its scope' },
    { given: 'primary_conninfo: host=x', message: 'has no effect' },
    { given: 'recovery_target_time: now', message: 'has no effect' },
    { given: 'hot_standby: off', message: 'must be on' },
    { given: 'wal_level: minimal', message: 'must be replica or logical' },
    { given: 'max_connections: 20', message: 'must be 25 or more, not 20' },
    { given: 'wal_keep_size: 8MB', message: 'must be 16MB or more' },
    { given: 'Work_Mem: 1MB, work_mem: 2MB', message: 'is given twice' },
  ])('are refused under Patroni: $given', async ({ given, message }) => {
    expect(await problems(`${THREE}postgresql: {parameters: {${given}}}\n`)).toEqual([expect.stringContaining(message)]);
    expect(await problems(`${THREE}patroni: {dynamic: {postgresql: {parameters: {${given}}}}}\n`)).toEqual([
      expect.stringContaining(message),
    ]);
  });

  it.each([
    'hot_standby: on',
    'wal_level: logical',
    'max_connections: 25',
    'work_mem: 64MB',
    'wal_keep_size: 1GB',
    'restore_command: cp',
    'synchronous_standby_names: x',
  ])('are accepted under Patroni: %s', async (given) =>
    expect(await problems(`${THREE}postgresql: {parameters: {${given}}}\n`)).toEqual([]),
  );

  it('leave the synchronous standbys to Patroni when it manages them', async () => {
    const given = 'postgresql: {parameters: {synchronous_standby_names: x}}';
    expect(await problems(`${THREE}${given}\npatroni: {synchronous_mode: true}\n`)).toEqual([
      expect.stringContaining('has no effect with synchronous_mode'),
    ]);
  });

  it('must be the same on all members when Patroni has only one value', async () => {
    const yaml = `cluster: demo
hosts:
  pg1: {address: 192.0.2.1}
  pg2: {address: 192.0.2.2, postgresql: {parameters: {max_connections: 200, work_mem: 8MB}}}
  pg3: {address: 192.0.2.3}
`;
    expect(await problems(yaml)).toEqual([
      expect.stringContaining('4:72 postgresql.parameters.max_connections: must be the same on every member'),
    ]);
  });

  it('let a server without Patroni listen on any address, and have few connections', async () => {
    expect(
      await problems(
        `${WITHOUT_PATRONI}postgresql: {parameters: {listen_addresses: localhost, max_connections: 10, wal_level: minimal}}\n`,
      ),
    ).toEqual([]);
    expect(await problems(`${WITHOUT_PATRONI}postgresql: {parameters: {port: 5433}}\n`)).toEqual([
      expect.stringContaining('is set by postgresql.port'),
    ]);
  });
});

describe('patroni.dynamic', () => {
  it.each([
    { given: 'postgresql: 5', message: 'patroni.dynamic.postgresql: must be a mapping' },
    { given: 'ttl: 5', message: 'patroni.dynamic.ttl: must be an integer of at least 20' },
    { given: "loop_wait: '10'", message: 'patroni.dynamic.loop_wait: must be an integer' },
    { given: 'failsafe_mod: true', message: 'patroni.dynamic.failsafe_mod: unknown key' },
    { given: 'synchronous_mode: sometimes', message: 'must be on, off or quorum' },
    { given: 'slots: {My-Slot: {type: logical}}', message: 'the key must be the name of a slot' },
    { given: 'slots: {a: {typ: logical}}', message: 'patroni.dynamic.slots.a.typ: unknown key' },
    { given: 'ignore_slots: {name: x}', message: 'must be a list' },
    {
      given: 'postgresql: {pg_hba: [local all all peer]}',
      message: 'patroni.dynamic.postgresql.pg_hba: has no effect in the dynamic configuration',
    },
    { given: 'postgresql: {data_dir: /srv}', message: 'has no effect in the dynamic configuration' },
    { given: 'postgresql: {use_slot: false}', message: 'patroni.dynamic.postgresql.use_slot: unknown key' },
    { given: 'postgresql: {parameters: [a]}', message: 'patroni.dynamic.postgresql.parameters: must be a mapping' },
  ])('is refused: $given', async ({ given, message }) => {
    expect(await problems(`${THREE}patroni: {dynamic: {${given}}}\n`)).toEqual([expect.stringContaining(message)]);
  });

  it.each([
    'ttl: 60',
    'synchronous_mode: quorum',
    'synchronous_mode: true',
    'member_slots_ttl: 30min',
    'member_slots_ttl: 0',
    'slots: {a: {type: logical, database: app, plugin: pgoutput}, b: {}}',
    'standby_cluster: {host: 10.1.0.1, port: 5432, create_replica_methods: [basebackup]}',
    'postgresql: {use_slots: false, recovery_conf: {restore_command: cp}}',
    'postgresql: {create_replica_methods: [pgbackrest, basebackup], pgbackrest: {command: x, keep_data: true}, basebackup: [verbose]}',
    'ignore_slots: [{name: x, type: physical}]',
  ])('is accepted: %s', async (given) => expect(await problems(`${THREE}patroni: {dynamic: {${given}}}\n`)).toEqual([]));
});
