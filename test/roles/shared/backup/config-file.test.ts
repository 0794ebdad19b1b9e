import { describe, expect, it } from 'vitest';
import { configFile } from '../../../../roles/shared/backup/config-file.js';
import { backupHosts, repositoriesOf } from '../../../../roles/shared/backup/repositories.js';
import { contextOf, inventoryOf } from '../../../support/inventory.js';

const MEMBERS = `cluster: demo
roles: [base, pgdg, postgresql, replication, etcd, patroni, backup]
hosts:
  pg1: {address: 192.0.2.1, cluster_address: 10.0.0.1}
  pg2: {address: 192.0.2.2, cluster_address: 10.0.0.2}
`;
const WITH_HOST = `${MEMBERS}  repo1: {address: 192.0.2.9, cluster_address: 10.0.0.9, roles: [base, pgdg, backup-repository]}\n`;

/** What the configuration of a host says, without its comment. */
async function configOf(yaml: string, host: string): Promise<string> {
  const resource = configFile(contextOf(await inventoryOf(yaml), host));
  const [change] = resource.diff({ type: 'absent' } as never);
  const script = resource.apply([change as never], { type: 'absent' } as never).text;
  const [, text = ''] = /printf %s '# Managed by pgprov for the cluster demo: [^\n]*\n\n([^']*)'/u.exec(script) ?? [];
  return text;
}

describe('pgbackrest.conf', () => {
  it('has on a member its database, and the way to the repository host without the passphrase', async () => {
    const text = await configOf(WITH_HOST, 'pg2');
    expect(text).toBe(`[global]
log-path=/var/log/pgbackrest
process-max=2
compress-type=zst
start-fast=y
archive-async=y
spool-path=/var/spool/pgbackrest
repo1-host=repo1
repo1-host-type=tls
repo1-host-port=8432
repo1-host-ca-file=/etc/pgbackrest/tls/ca.crt
repo1-host-cert-file=/etc/pgbackrest/tls/node.crt
repo1-host-key-file=/etc/pgbackrest/tls/node.key
tls-server-address=0.0.0.0
tls-server-port=8432
tls-server-ca-file=/etc/pgbackrest/tls/ca.crt
tls-server-cert-file=/etc/pgbackrest/tls/node.crt
tls-server-key-file=/etc/pgbackrest/tls/node.key
tls-server-auth=repo1=demo

[demo]
pg1-path=/var/lib/postgresql/17/main
pg1-port=5432
pg1-socket-path=/var/run/postgresql
pg1-user=postgres
`);
  });

  it('has on the repository host the repository with the passphrase, all members, and lets each of these in', async () => {
    const text = await configOf(WITH_HOST, 'repo1');
    expect(text).toContain('repo1-path=/var/lib/pgbackrest\nrepo1-cipher-type=aes-256-cbc\nrepo1-cipher-pass=made-for-backup.passphrase\n');
    expect(text).toContain('repo1-retention-full=2\n');
    expect(text).toContain('tls-server-auth=pg1=demo\ntls-server-auth=pg2=demo\n');
    expect(text).toContain('pg1-host=pg1\n');
    expect(text).toContain('pg2-host=pg2\n');
    expect(text).not.toContain('archive-async');
  });

  it('has on a member with the repository its own database first, and the others beside it', async () => {
    const text = await configOf(
      MEMBERS.replace('10.0.0.2}', '10.0.0.2, roles: [base, pgdg, postgresql, replication, etcd, patroni, backup, backup-repository]}'),
      'pg2',
    );
    expect(text).toContain('repo1-path=/var/lib/pgbackrest\n');
    expect(text).toContain('[demo]\npg1-path=/var/lib/postgresql/17/main\n');
    expect(text).toContain('pg2-host=pg1\n');
    expect(text).toContain('tls-server-auth=pg1=demo\n');
    expect(text).not.toContain('tls-server-auth=pg2');
  });

  it('lets a member that is alone and has the repository in by itself: the server does not start without a name', async () => {
    const alone = MEMBERS.replace(/ {2}pg2: .*\n/u, '').replace(
      '10.0.0.1}',
      '10.0.0.1, roles: [base, pgdg, postgresql, replication, etcd, patroni, backup, backup-repository]}',
    );
    expect(await configOf(alone, 'pg1')).toContain('tls-server-auth=pg1=demo\n');
  });

  it('has on members without a repository host the repositories themselves, and no server', async () => {
    const yaml = `${MEMBERS}backup:
  passphrase: correct-horse-battery
  compression: {type: lz4, level: 1}
  repositories:
    near: {directory: /mnt/backups, retention_full: 4, retention_diff: 3, encrypted: false}
    far: {s3: {bucket: b, endpoint: s3.example.com, region: eu, key: AK, key_secret: SK, uri_style: path}}
`;
    const text = await configOf(yaml, 'pg1');
    expect(text).toContain('compress-type=lz4\ncompress-level=1\n');
    expect(text).toContain(
      'repo1-path=/mnt/backups\nrepo1-cipher-type=none\nrepo1-bundle=y\nrepo1-retention-full=4\nrepo1-retention-diff=3\n',
    );
    expect(text).toContain('repo2-path=/demo\nrepo2-type=s3\nrepo2-s3-bucket=b\n');
    expect(text).toContain('repo2-s3-key=AK\nrepo2-s3-key-secret=SK\nrepo2-s3-uri-style=path\n');
    expect(text).toContain('repo2-cipher-pass=correct-horse-battery\n');
    expect(text).not.toContain('tls-server');
  });

  it('is kept out of what a run shows only where it holds secrets', async () => {
    const inventory = await inventoryOf(WITH_HOST);
    const shown = (host: string): boolean =>
      configFile(contextOf(inventory, host)).diff({ type: 'absent' } as never)[0]?.after !== undefined;
    expect([shown('pg1'), shown('repo1')]).toEqual([true, false]);
  });
});

describe('where backups are run from', () => {
  const hostsOf = async (yaml: string): Promise<string[]> => backupHosts(await inventoryOf(yaml)).map(({ name }) => name);

  it('is the repository host where there is one, and otherwise every member', async () => {
    expect(await hostsOf(WITH_HOST)).toEqual(['repo1']);
    expect(await hostsOf(`${MEMBERS}backup: {repositories: {far: {directory: /mnt/backups}}}\n`)).toEqual(['pg1', 'pg2']);
    expect(await hostsOf('cluster: demo\nroles: [base, pgdg, postgresql]\nhosts:\n  pg1: 192.0.2.1\n')).toEqual([]);
  });

  it('counts the repositories in the order of the inventory', async () => {
    const inventory = await inventoryOf(`${MEMBERS}backup: {repositories: {far: {directory: /mnt/b}, near: {directory: /mnt/a}}}\n`);
    expect(repositoriesOf(inventory).map(({ number, name }) => [number, name])).toEqual([
      [1, 'far'],
      [2, 'near'],
    ]);
  });
});
