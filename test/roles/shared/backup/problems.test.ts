import { describe, expect, it } from 'vitest';
import { InventoryError } from '../../../../src/model/index.js';
import { inventoryOf } from '../../../support/inventory.js';

const ROLES = 'base, pgdg, postgresql, replication, etcd, patroni';
const MEMBERS = `cluster: demo
roles: [${ROLES}, backup]
hosts:
  pg1: 192.0.2.1
  pg2: 192.0.2.2
`;
const WITH_HOST = `${MEMBERS}  repo1: {address: 192.0.2.9, roles: [base, pgdg, backup-repository]}\n`;

/** What is wrong with an inventory, a line each. */
async function problems(yaml: string): Promise<string[]> {
  try {
    await inventoryOf(yaml);
    return [];
  } catch (error) {
    if (!(error instanceof InventoryError)) throw error;
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
}

describe('the role backup', () => {
  it('adds what archives WAL to PostgreSQL and Patroni', async () => {
    const { hosts } = await inventoryOf(`${WITH_HOST}backup: {stanza: main, archive_timeout: 30, replicas_from_backup: true}\n`);
    expect(hosts[0]?.vars['postgresql']?.['parameters']).toMatchObject({
      archive_mode: 'on',
      archive_command: 'pgbackrest --stanza=main archive-push %p',
      archive_timeout: '30s',
    });
    expect(hosts[0]?.vars['patroni']?.['dynamic']).toEqual({
      postgresql: {
        recovery_conf: { restore_command: 'pgbackrest --stanza=main archive-get %f "%p"' },
        create_replica_methods: ['pgbackrest', 'basebackup'],
        pgbackrest: { command: 'pgbackrest --stanza=main --delta --type=none restore', keep_data: true, no_params: true },
        basebackup: [{ checkpoint: 'fast' }],
      },
    });
  });

  it('has no repository on a member beside one on another host, which pgBackRest does not take', async () => {
    const beside = `${MEMBERS}  pg3: {address: 192.0.2.3, roles: [${ROLES}, backup, backup-repository]}\n`;
    const apart = '  repo1: {address: 192.0.2.9, roles: [base, pgdg, backup-repository]}\n';
    const said =
      'backup.repositories: has a place on the member pg3 and one on repo1: pgBackRest on pg3 cannot reach both the other databases and another repository';
    expect(await problems(beside)).toEqual([]);
    expect(await problems(`${beside}${apart}`)).toEqual([said]);
    const given = 'backup: {repositories: {one: {host: repo1}, two: {host: pg3}}}\n';
    expect(await problems(`${beside}${apart}${given}`)).toEqual([said]);
    const both = 'backup: {repositories: {one: {host: pg3}, two: {host: pg3, directory: /srv/backups}}}\n';
    expect(await problems(`${beside}${both}`)).toEqual([]);
  });

  it('has servers that stream without Patroni fetch WAL as well, all of them', async () => {
    const yaml = (more: string): string =>
      `cluster: demo\nroles: [base, pgdg, postgresql, replication, backup]\nhosts:\n  pg1: 192.0.2.1\n  pg2: ${more}\n  repo1: {address: 192.0.2.9, roles: [base, pgdg, backup-repository]}\n`;
    expect(await problems(yaml('192.0.2.2'))).toEqual([]);
    const { hosts } = await inventoryOf(yaml('192.0.2.2'));
    for (const host of hosts.slice(0, 2))
      expect(host.vars['postgresql']?.['parameters']).toMatchObject({
        archive_command: 'pgbackrest --stanza=demo archive-push %p',
        restore_command: 'pgbackrest --stanza=demo archive-get %f "%p"',
      });
    expect(await problems(yaml('{address: 192.0.2.2, roles: [base, pgdg, postgresql, replication]}'))).toEqual([
      'roles: leave pg2 without the role backup: no WAL would be archived where the primary is there',
    ]);
    expect(await problems(`${yaml('192.0.2.2')}postgresql: {parameters: {restore_command: cp}}\n`)).toEqual([
      'postgresql.parameters.restore_command: is set by the role backup',
    ]);
  });

  it('needs a place for backups, which is there', async () => {
    expect(await problems(WITH_HOST)).toEqual([]);
    expect(await problems(MEMBERS)).toEqual([
      expect.stringMatching(/^backup\.repositories: is not given, and no host has the role backup-repository/u),
    ]);
    const onHosts = (more: string): Promise<string[]> =>
      problems(`${WITH_HOST}backup: {repositories: {main: {host: repo1}, more: ${more}}}\n`);
    expect(await onHosts('{host: repo1, directory: /srv/more}')).toEqual([]);
    expect(await onHosts('{host: pg1}')).toEqual(['backup.repositories.more: is on pg1, which has not the role backup-repository']);
    expect(await onHosts('{host: pg9}')).toEqual(['backup.repositories.more: is on "pg9", which is no host of this inventory']);
    expect(await onHosts('{host: repo1}')).toEqual(['backup.repositories.more: is the same place as main']);
    expect(await onHosts('{host: repo1, gcs: {bucket: b}}')).toEqual([
      'backup.repositories.more: has host and gcs: a repository is in one place',
    ]);
    expect(await onHosts('{directory: /mnt/backups}')).toEqual([
      expect.stringMatching(/^backup\.repositories: has places on hosts and places that every member reaches by itself/u),
    ]);
    const reached = (more: string): Promise<string[]> =>
      problems(`${MEMBERS}backup: {repositories: {main: {directory: /mnt/backups}, more: ${more}}}\n`);
    expect(await reached('{retention_full: 3}')).toEqual(['backup.repositories.more: says not where it is']);
    expect(await reached('{s3: {bucket: b, endpoint: e, region: r, key: k}}')).toEqual(['backup.repositories.more: lacks s3.key_secret']);
    expect(await reached('{gcs: {bucket: b, key_type: auto}}')).toEqual([]);
  });

  it('is needed on every host with PostgreSQL, and so is a use for a repository host', async () => {
    expect(await problems(WITH_HOST.replace('192.0.2.2', `{address: 192.0.2.2, roles: [${ROLES}]}`))).toEqual([
      'patroni.dynamic: must be the same on every host: a mapping on pg1 (role backup), an empty mapping on pg2 (default)',
    ]);
    expect(await problems(WITH_HOST.replace(', backup]', ']'))).toEqual(['roles: have backup-repository, but no host has the role backup']);
    expect(await problems(`${WITH_HOST}backup: {repositories: {far: {directory: /mnt/backups}}}\n`)).toEqual([
      expect.stringMatching(/^roles: give repo1 the role backup-repository, but none of backup\.repositories has it/u),
    ]);
  });

  it('leaves nobody else the parameters that say where WAL goes', async () => {
    const given = (yaml: string): Promise<string[]> => problems(`${WITH_HOST}${yaml}\n`);
    expect(await given("postgresql: {parameters: {archive_command: 'cp %p /srv'}}")).toContain(
      'postgresql.parameters.archive_command: is set by the role backup',
    );
    expect(await given('postgresql: {parameters: {archive_library: basic_archive}}')).toContain(
      'postgresql.parameters.archive_library: would take WAL past the repositories of the role backup',
    );
    expect(await given("patroni: {dynamic: {postgresql: {recovery_conf: {restore_command: 'cp'}}}}")).toContain(
      'patroni.dynamic.postgresql.recovery_conf.restore_command: is set by the role backup',
    );
  });

  it('warns of replicas from backups where there are no replicas', async () => {
    const { warnings } = await inventoryOf(
      'cluster: demo\nroles: [base, pgdg, postgresql, replication, backup, backup-repository]\nhosts: {pg1: 192.0.2.1}\nbackup: {replicas_from_backup: true}\n',
    );
    expect(warnings.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'backup.replicas_from_backup: has no effect: only Patroni makes its replicas from backups',
    ]);
  });
});
