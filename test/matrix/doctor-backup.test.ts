import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pgbackrest } from '../integration/support/backups.js';
import { TestCluster } from '../integration/support/cluster.js';
import { Doctor } from '../integration/support/doctor.js';
import { patience } from '../support/patience.js';

let cluster: TestCluster;
let doctor: Doctor;

beforeAll(async () => {
  cluster = await TestCluster.start('itdocbku', 'debian13', 2, 'packages');
  const [pg1, pg2] = cluster.hosts.map(({ address }) => address);
  await cluster.write({
    roles: ['base', 'pgdg', 'postgresql', 'replication', 'etcd', 'patroni', 'backup'],
    hosts: { pg1, pg2: { address: pg2, roles: ['base', 'pgdg', 'backup-repository'] } },
  });
  const applied = await cluster.run('apply');
  expect(applied.code, applied.all).toBe(0);
  doctor = new Doctor(cluster);
});

afterAll(() => cluster?.remove());

/** Ends the present WAL segment, which is to be archived then. */
const switchWal = (): Promise<string> =>
  doctor.at('pg1', "SELECT pg_switch_wal() FROM (SELECT pg_logical_emit_message(true, 'test', 'x')) m");

it('finds that there is no backup yet, and takes one', () =>
  doctor.provoke({ diagnosis: 'backups', level: 'notice', host: 'pg2', line: /^no valid backups$/u, advice: 'mends' }));

it('finds a repository that nobody answers for, and that WAL cannot be archived because of it', async () => {
  const [found] = await doctor.provoke({
    diagnosis: 'unit-stopped',
    level: 'broken',
    host: 'pg2',
    line: /^pgbackrest\.service is inactive$/u,
    wrong: async () => {
      await doctor.on('pg2', 'systemctl stop pgbackrest');
      await switchWal();
      // In the background pgBackRest tries for a minute before archive_command fails.
      await expect.poll(() => doctor.at('pg1', 'SELECT failed_count > 0 FROM pg_stat_archiver'), { timeout: patience(90_000) }).toBe('t');
    },
    advice: 'mends',
  });
  const archiver = found?.consequences.find(({ diagnosis }) => diagnosis === 'archiver');
  expect(archiver?.host).toBe('pg1');
  expect(archiver?.evidence.map(({ line }) => line).join('\n')).toMatch(/archive command failed[\s\S]*ERROR: \[\d+\]/u);
});

it('finds a repository that cannot be read, and then the backup that failed because of it', async () => {
  const directory = '/var/lib/pgbackrest';
  await doctor.on('pg2', `chown -R root: ${directory}; chmod 700 ${directory}; systemctl start pgprov-backup@full.service || :`);
  const [found] = await doctor.see({ diagnosis: 'backups', level: 'broken', host: 'pg2', line: /Permission denied/u });
  await doctor.follow(found, { advice: 'mends' });
  await doctor.provoke({
    diagnosis: 'backups',
    level: 'danger',
    host: 'pg2',
    line: /Permission denied/u,
    what: /^the last run of pgprov-backup@full failed: /u,
    advice: 'mends',
  });
});

it('finds that the last backup is too old', () =>
  doctor.provoke({
    diagnosis: 'backups',
    level: 'danger',
    host: 'pg2',
    line: /^\d{8}-\d{6}F(?:_\d{8}-\d{6}[DI])? ended then$/u,
    what: /^the last good backup is 4[89] hours old$/u,
    hoursAgo: 48,
    wrong: () => age(48),
    advice: 'mends',
  }));

/** As if all backups had been taken so many hours earlier: pgBackRest’s list of them is written anew, with its checksum. */
async function age(hours: number): Promise<void> {
  await doctor.on('pg2', 'systemctl start pgprov-backup@full.service');
  const listed = await pgbackrest(cluster.host('pg2'), '--stanza=demo repo-get backup/demo/backup.info');
  const aged = listed.replace(/("backup-timestamp-\w+":)(\d+)/gu, (_, key: string, at: string) => `${key}${Number(at) - hours * 3600}`);
  const text = Buffer.from(`${aged.replace(/^backrest-checksum=.*$/mu, `backrest-checksum="${checksumOf(aged)}"`)}\n`).toString('base64');
  const put = (file: string): string => `echo ${text} | base64 -d | runuser -u postgres -- pgbackrest --stanza=demo repo-put ${file}`;
  for (const file of ['backup.info', 'backup.info.copy']) await doctor.on('pg2', `cd / && ${put(`backup/demo/${file}`)}`);
}

/** What pgBackRest computes of a file of its own: the SHA-1 of what it says as JSON, without the checksum, which stands in a second part of one section. */
function checksumOf(text: string): string {
  const sections = new Map<string, string[]>();
  let entries: string[] = [];
  for (const line of text.split('\n')) {
    const section = /^\[(.*)\]$/u.exec(line)?.[1];
    const at = line.indexOf('=');
    if (section !== undefined) sections.set(section, (entries = sections.get(section) ?? []));
    else if (at > 0 && !line.startsWith('backrest-checksum=')) entries.push(`"${line.slice(0, at)}":${line.slice(at + 1)}`);
  }
  const json = [...sections].map(([section, own]) => `"${section}":{${own.join(',')}}`).join(',');
  return createHash('sha1').update(`{${json}}`).digest('hex');
}
