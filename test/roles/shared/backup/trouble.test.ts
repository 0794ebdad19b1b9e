import { describe, expect, it } from 'vitest';
import { backupAdvice } from '../../../../roles/shared/backup/trouble.js';
import { inventoryOf } from '../../../support/inventory.js';

const MEMBERS = `cluster: demo
roles: [base, pgdg, postgresql, replication, etcd, patroni, backup]
hosts:
  pg1: 192.0.2.1
`;
const ON_HOST = `${MEMBERS}  repo1: {address: 192.0.2.9, roles: [base, pgdg, backup-repository]}\n`;
const IN_STORE = `${MEMBERS}backup: {repositories: {s3: {s3: {bucket: b, endpoint: s3.lab, region: r, key: k, key_secret: s}}}}\n`;
const IN_DIRECTORY = `${MEMBERS}backup: {repositories: {nfs: {directory: /mnt/backups}}}\n`;

/** What is advised where backups are on a host, in a store of objects, and in a directory that members share. */
const advised = (words: string): Promise<string[]> =>
  Promise.all([ON_HOST, IN_STORE, IN_DIRECTORY].map(async (yaml) => backupAdvice(words, await inventoryOf(yaml))));

const inventory = await inventoryOf(ON_HOST);

describe('what is advised about an error of pgBackRest', () => {
  // As pgBackRest 2.55 says it.
  it.each<{ title: string; words: string; advice: RegExp }>([
    {
      title: 'a disk that is full, with its reason',
      words: "[041]: unable to write '/var/lib/pgbackrest/x': [28] No space left on device",
      advice:
        /^make room where the repository is, .* lower `retention_full` .*`pgprov backup .*` expires what is beyond it before it begins/u,
    },
    {
      title: 'a compressed file that cannot be written, without a reason',
      words:
        "[064]: raised from local-2 protocol: unable to write '/var/lib/pgbackrest/backup/demo/20261129-124034F/pg_data/base/5/16404.gz'",
      advice: /^see with `df` whether the disk is full where that file is; if so, make room/u,
    },
    {
      title: 'a repository that the asynchronous process does not reach, of which doctor is asked and must not name itself',
      words: "[082]: unable to push WAL file '0000000200000000000000B3' to the archive asynchronously after 60 second(s)",
      advice: /^see that every repository host is up and answers \(`pgprov backups .*\); .*demo-archive-push-async\.log/u,
    },
    {
      title: 'a backup for which WAL does not arrive',
      words: '[082]: WAL segment 000000020000000100000014 was not archived before the 60000ms timeout',
      advice: /^WAL does not arrive in the repository, see `pgprov doctor/u,
    },
    {
      title: 'a host that hangs',
      words: "[FileReadError] timeout after 15000ms waiting for read from '192.0.2.9:8432'",
      advice: /^the host that it names takes connections and does not answer.*pgprov ping/u,
    },
    {
      title: 'a server that ended its connection',
      words: "[101]: raised from remote-0 tls protocol on 'pg1': NULL result required to complete request",
      advice: /^a host was lost meanwhile, or its server stopped or got another part: give the command again/u,
    },
    {
      title: 'a certificate that another host finds not yet valid',
      words: '[101]: TLS error [1:167773202] ssl/tls alert bad certificate',
      advice: /^see `pgprov certs status .* Where they are good, a clock is wrong: `pgprov doctor/u,
    },
    {
      title: 'no primary',
      words: '[056]: unable to find primary cluster - cannot proceed\nHINT: are all available clusters in recovery?',
      advice: /^pgBackRest takes backups only while a server takes writes, see `pgprov status/u,
    },
    {
      title: 'no primary among members some of which cannot be asked',
      words:
        '[056]: unable to find primary cluster - cannot proceed:\nunable to check pg1: [ServiceError] TLS error [1:167773208] tlsv1 alert unknown ca\nHINT: are all available clusters in recovery?',
      advice: /^see by `pgprov status .*` whether a server takes writes; if one does, see `pgprov certs status/u,
    },
    { title: 'a host that says nothing', words: 'pgBackRest gave no answer in time', advice: /^see that the host that it names is up/u },
  ])('says what to do about $title', ({ words, advice }) => {
    expect(backupAdvice(words, inventory)).toMatch(advice);
  });

  it('is about what is out of reach: a host of the inventory, or a store of objects', async () => {
    const words = "[HostConnectError] unable to connect to 's3.lab:443 (192.0.2.7)': [113] No route to host";
    const [onHost, inStore] = await advised(words);
    expect(onHost).toContain('pgbackrest.service runs there');
    expect(inStore).toBe('see that the store of objects answers under the address that it names, from every member');
  });

  it('is no other passphrase where a certificate is of no known authority', async () => {
    const words = [
      "[CryptoError] unable to verify certificate presented by 's3.lab:443 (192.0.2.7)': [20] unable to get local issuer certificate",
      '[095]: CryptoError: unable to set user-defined CA certificate location: [92274824] no certificate or crl found',
      "CryptoError: unable to find hostname '192.0.2.7' in certificate common name or subject alternative names",
    ];
    for (const each of words) {
      const [onHost, inStore] = await advised(each);
      expect(onHost, each).toContain('pgprov certs status');
      expect(inStore, each).toContain('s3.ca_file');
    }
  });

  it('is about the time where a certificate is out of it', async () => {
    const words = [
      "[CryptoError] unable to verify certificate presented by '192.0.2.7:8432': [10] certificate has expired",
      "[CryptoError] unable to verify certificate presented by '192.0.2.7:8432': [9] certificate is not yet valid",
      '[ServiceError] TLS error [1:336151573] sslv3 alert certificate expired',
    ];
    for (const each of words) {
      const [onHost, inStore] = await advised(each);
      expect(onHost, each).toMatch(/pgprov certs renew .*a clock is wrong: `pgprov doctor/u);
      expect(inStore, each).toContain('the clock of this host');
    }
  });

  it('is about the keys where a store of objects refuses them', async () => {
    for (const answer of ['403 (Forbidden)', '400 (Bad Request)']) {
      const [, inStore] = await advised(`[ProtocolError] HTTP request failed with ${answer}: *** Path/Query ***:`);
      expect(inStore, answer).toContain('the keys, the bucket and the region');
    }
  });

  it('is to give a mounted directory to postgres, which apply does on repository hosts alone', async () => {
    const [onHost, , inDirectory] = await advised("[047]: unable to create path '/mnt/backups/archive': [13] Permission denied");
    expect(onHost).toContain('pgprov apply');
    expect(inDirectory).toContain('see what is mounted there');
  });
});
