import { describe, expect, it } from 'vitest';
import { accessTo, placesOf, readingMember } from '../../../../roles/shared/backup/source.js';
import { reveal, Secret } from '../../../../src/lib/secret.js';
import type { Inventory } from '../../../../src/model/index.js';
import type { SourceAccess } from '../../../../src/resources/restore/source-access.js';
import { contextOf, inventoryOf, MATERIAL } from '../../../support/inventory.js';

const ROLES = 'roles: [base, pgdg, postgresql, replication, etcd, patroni, backup]';
const MEMBERS = 'pg1: {address: 192.0.2.1}, pg2: {address: 192.0.2.2}';
const inPlaces = (repositories: string): Promise<Inventory> =>
  inventoryOf(`cluster: demo\n${ROLES}\nhosts: {${MEMBERS}}\nbackup: {repositories: {${repositories}}}\n`);
const withHost = (role = 'base, pgdg'): Promise<Inventory> =>
  inventoryOf(`cluster: demo\n${ROLES}\nhosts: {${MEMBERS}, repo1: {address: 192.0.2.9, roles: [${role}, backup-repository]}}\n`);
const target = await inventoryOf(`cluster: copy\n${ROLES.replace(', backup', '')}\nhosts: {pg4: {address: 192.0.2.4}}\n`);
const CLIENT = { authority: 'authority\n', certificate: 'certificate\n', key: new Secret('private key of a client\n') };

const access = (inventory: Inventory, client: typeof CLIENT | undefined = undefined): SourceAccess =>
  accessTo({ inventory, credentials: MATERIAL, client }, contextOf(target, 'pg4'));
const config = (made: SourceAccess): string => reveal(made.files[0]?.content ?? '');

describe('what reads another cluster’s backups', () => {
  it('is a certificate in the name of one of its members, where a host has them, and no passphrase', async () => {
    const made = access(await withHost(), CLIENT);
    expect(made.files.map(({ name }) => name)).toEqual(['pgbackrest.conf', 'ca.crt', 'client.crt', 'client.key']);
    expect(made.files.at(-1)?.content).toBeInstanceOf(Secret);
    expect(config(made)).toContain('repo1-host=192.0.2.9\nrepo1-host-type=tls\nrepo1-host-port=8432\n');
    expect(config(made)).toContain('[demo]\n');
    expect(config(made)).not.toContain('cipher-pass');
    expect(made.overTls).toEqual([1]);
    expect(readingMember(await withHost())).toBe('pg1');
  });

  it('is what reaches a bucket or a directory, with the passphrase, and no certificate', async () => {
    const s3 = 'far: {s3: {bucket: b, endpoint: s3.example.com, region: eu, key: id-of-a-key, key_secret: secret-of-a-key}}';
    const made = access(await inPlaces(`near: {directory: /mnt/backups, encrypted: false}, ${s3}`));
    expect(made.files).toHaveLength(1);
    expect(made.files[0]?.content).toBeInstanceOf(Secret);
    expect(config(made)).toContain('repo1-path=/mnt/backups\nrepo1-cipher-type=none\n');
    expect(config(made)).toContain('repo2-path=/demo\nrepo2-type=s3\nrepo2-s3-bucket=b\n');
    expect(config(made)).toContain('repo2-s3-key-secret=secret-of-a-key\n');
    expect(config(made)).toContain('repo2-cipher-pass=made-for-backup.passphrase\n');
    expect(made.overTls).toEqual([]);
    expect(readingMember(await inPlaces(s3))).toBeUndefined();
  });

  it('has nothing that would write: no server, no schedule, and no database of the source', async () => {
    const words = config(access(await withHost(), CLIENT));
    expect(words).not.toMatch(/tls-server|archive-async|pg1-host|pg1-path/u);
  });
});

describe('the places of repositories', () => {
  it('are the same words for the same place', async () => {
    const s3 = (directory: string): string =>
      `x: {${directory}s3: {bucket: b, endpoint: s3.example.com, region: eu, key: k, key_secret: s}}`;
    expect(placesOf(await inPlaces(s3('')))).toEqual(['s3://s3.example.com/b/demo']);
    expect(placesOf(await inPlaces(s3('directory: //demo/, ')))).toEqual(['s3://s3.example.com/b/demo']);
    expect(placesOf(await inPlaces('x: {directory: /mnt/a/}'))).toEqual(['directory /mnt/a']);
    expect(placesOf(await withHost())).toEqual(['directory /var/lib/pgbackrest on 192.0.2.9']);
  });
});
