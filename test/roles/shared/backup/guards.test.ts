import { describe, expect, it } from 'vitest';
import { guardBackups, guardVersions } from '../../../../roles/shared/backup/guards.js';
import { guardChanges } from '../../../../roles/shared/changes.js';
import { backupChecks, backupLines, backupRemarks } from '../../../../roles/shared/backup/told.js';
import { View } from '../../../../src/plan/view.js';
import { ARCHIVING, type Archiving } from '../../../../src/resources/archiving.js';
import { BACKUP_CHECK } from '../../../../src/resources/backup/check.js';
import { BACKUP_INFO, type BackupInfo } from '../../../../src/resources/backup/info.js';
import { BACKUP_RUNS } from '../../../../src/resources/backup/runs.js';
import { DATA_DIRECTORY } from '../../../../src/resources/data-directory.js';
import { DATA_ORIGIN } from '../../../../src/resources/restore/data-origin.js';
import { HOST_FACTS } from '../../../../src/resources/host-facts.js';
import { RUNNING } from '../../../../src/resources/running.js';
import { inventoryOf, MATERIAL } from '../../../support/inventory.js';

const YAML = `cluster: demo
roles: [base, pgdg, postgresql, replication, etcd, patroni, backup]
hosts:
  pg1: 192.0.2.1
  pg2: 192.0.2.2
  repo1: {address: 192.0.2.9, roles: [base, pgdg, backup-repository]}
`;

const info = (changes: Partial<BackupInfo> = {}): BackupInfo => ({
  code: 0,
  now: 1_000_000,
  repositories: [{ repository: 1, status: 'ok', message: 'ok', encrypted: true, systemIdentifiers: ['7'] }],
  backups: [],
  archives: [],
  ...changes,
});

const backup = (stop: number, error = false): BackupInfo['backups'][number] => ({
  label: `${stop}F`,
  type: 'full',
  repository: 1,
  database: 1,
  start: stop - 10,
  stop,
  size: 1,
  delta: 1,
  stored: 1,
  needs: [],
  error,
});

const archives = (changes: Partial<Archiving> = {}): Archiving => ({
  standby: false,
  on: true,
  archivedAgo: 10,
  waiting: 0,
  segment: 2 ** 24,
  ...changes,
});

const text = (content: string): object => ({
  type: 'file',
  owner: 'postgres',
  group: 'postgres',
  mode: '0600',
  content: Buffer.from(content),
});
const OURS = (cluster: string, more = ''): object =>
  text(`# Managed by pgprov for the cluster ${cluster}: changes made here are undone.\n\n[global]\n${more}\n[${cluster}]\npg1-path=/x\n`);

type States = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

async function viewOf(states: States, yaml = YAML): Promise<View> {
  const inventory = await inventoryOf(yaml);
  const facts = { os: 'debian', version: '13', memory: 2 ** 33 };
  return new View(
    inventory,
    new Map(
      inventory.hosts.map(({ name }) => [name, new Map<string, unknown>(Object.entries({ [HOST_FACTS.id]: facts, ...states[name] }))]),
    ),
  );
}

const CONFIG = 'file:/etc/pgbackrest.conf';
const DATA = { [DATA_DIRECTORY.id]: { kind: 'cluster', systemIdentifier: '7' } };

/** The passphrase that the store of secrets has. */
const KEPT = 'made-for-backup.passphrase';

async function refusals(states: States, generated: readonly string[] = []): Promise<string[]> {
  const view = await viewOf(states);
  return guardBackups(view, { ...MATERIAL, generated }, view.inventory.hosts).map(({ kind, message }) => `${kind}: ${message}`);
}

describe('what speaks against backups', () => {
  it('is nothing where there is only what pgprov or the package brought', async () => {
    expect(await refusals({})).toEqual([]);
    expect(await refusals({ repo1: { [CONFIG]: text('[global]\nrepo1-path=/var/lib/pgbackrest\n#[main]\n#pg1-path=/x\n') } })).toEqual([]);
    expect(await refusals({ pg1: DATA, repo1: { [CONFIG]: OURS('demo', `repo1-cipher-pass=${KEPT}`), [BACKUP_INFO.id]: info() } })).toEqual(
      [],
    );
  });

  it('is a configuration of somebody else, or of another cluster', async () => {
    expect(await refusals({ pg1: { [CONFIG]: text('[global]\nrepo1-path=/srv\n[main]\npg1-path=/x\n') } })).toEqual([
      'refuse: pg1: /etc/pgbackrest.conf is not pgprov’s, and has the stanza main',
    ]);
    expect(await refusals({ repo1: { [CONFIG]: OURS('other') } })).toEqual([
      'refuse: repo1 has backups of the cluster other: pgprov wrote /etc/pgbackrest.conf from another inventory; this one is demo',
    ]);
  });

  it('is a stanza of another database', async () => {
    const repositories = [{ repository: 1, status: 'ok' as const, message: 'ok', encrypted: true, systemIdentifiers: ['7', '8'] }];
    expect(await refusals({ pg1: DATA, repo1: { [BACKUP_INFO.id]: info({ repositories }) } })).toEqual([
      'refuse: repo1: repo1 has a stanza demo of another database (system identifier 8; pg1 has 7)',
    ]);
  });

  it('is data of a clone under the stanza of its source in the same place, though both have one system identifier', async () => {
    const origin = (changes: object = {}): States => ({
      pg1: {
        ...DATA,
        [DATA_ORIGIN.id]: [{ cluster: 'prod', stanza: 'demo', places: ['directory /var/lib/pgbackrest on 192.0.2.9'], ...changes }],
      },
      repo1: { [BACKUP_INFO.id]: info() },
    });
    expect(await refusals(origin())).toEqual([
      'refuse: pg1: its data is a clone of prod, whose backups are under the same stanza demo in directory /var/lib/pgbackrest on 192.0.2.9: both would write into one archive',
    ]);
    expect(await refusals(origin({ stanza: 'prod' }))).toEqual([]);
    expect(await refusals(origin({ places: ['directory /var/lib/pgbackrest on 192.0.2.8'] }))).toEqual([]);
  });

  it('is a passphrase that is lost', async () => {
    const states = { repo1: { [CONFIG]: OURS('demo', 'repo1-cipher-pass=old') } };
    expect(await refusals(states, ['backup.passphrase'])).toEqual([
      expect.stringContaining('a passphrase that this machine does not know'),
    ]);
    expect(await refusals({}, ['backup.passphrase'])).toEqual([]);
  });

  it('is another passphrase in the store of secrets than the backups are encrypted with, unless pgBackRest cannot decrypt them with what is there', async () => {
    const config = { [CONFIG]: OURS('demo', 'repo1-cipher-pass=old-and-good') };
    const repository = (status: 'ok' | 'noBackup' | 'noStanza' | 'failed', message = 'ok'): States => ({
      repo1: {
        ...config,
        [BACKUP_INFO.id]: info({ repositories: [{ repository: 1, status, message, encrypted: true, systemIdentifiers: ['7'] }] }),
      },
    });
    const refused = [
      'refuse: repo1: the backups are encrypted with another passphrase than backup.passphrase in .pgprov/demo/passwords.yml, with which nothing could read them',
    ];
    expect(await refusals(repository('ok'))).toEqual(refused);
    expect(await refusals(repository('noBackup'))).toEqual(refused);
    expect(await refusals(repository('failed', '[PathOpenError] unable to list'))).toEqual(refused);
    expect(await refusals(repository('failed', '[FormatError] key/value found outside of section at line 1'))).toEqual([]);
    expect(await refusals(repository('noStanza'))).toEqual([]);
  });

  it('is another cluster of the same name, by the authority on the host of its backups', async () => {
    const under = (authority: string, cluster = 'demo'): States => ({
      repo1: { [CONFIG]: OURS(cluster), 'file:/etc/pgbackrest/tls/ca.crt': text(authority) },
    });
    expect(await refusals(under('-----BEGIN CERTIFICATE-----\nof another\n'))).toEqual([
      'refuse: repo1 has backups of another cluster demo, or of this one from another machine: .pgprov/demo does not know the authority in /etc/pgbackrest/tls/ca.crt',
    ]);
    expect(await refusals(under('CA\n'))).toEqual([]);
    expect(await refusals(under('broken by somebody'))).toEqual([]);
  });

  it('is a repository that is encrypted where it was not, or is not any more', async () => {
    const refused = async (encrypted: boolean, section: string, path = '/var/lib/pgbackrest'): Promise<string[]> => {
      const view = await viewOf(
        {
          repo1: {
            [CONFIG]: OURS('demo', `repo1-path=${path}`),
            [BACKUP_INFO.id]: info({ repositories: [{ repository: 1, status: 'ok', message: 'ok', encrypted, systemIdentifiers: ['7'] }] }),
          },
        },
        `${YAML}backup: {repositories: {far: {host: repo1${section}}}}\n`,
      );
      return guardBackups(view, MATERIAL, view.inventory.hosts).map(({ message, hint }) => `${message}; ${hint}`);
    };
    expect(await refused(true, '')).toEqual([]);
    expect(await refused(false, ', encrypted: false')).toEqual([]);
    expect(await refused(true, ', encrypted: false')).toEqual([
      'repo1: the repository far is encrypted, and cannot be read any more as one that is not encrypted; set `encrypted: true` in backup.repositories.far, or give the repository another directory',
    ]);
    expect(await refused(false, '')).toEqual([expect.stringMatching(/^repo1: the repository far is not encrypted, .*`encrypted: false`/u)]);
    expect(await refused(true, ', encrypted: false, directory: /srv/new')).toEqual([]);
  });

  it('is another passphrase or stanza than there is', async () => {
    const states = {
      pg1: { [RUNNING.id]: {} },
      pg2: { [RUNNING.id]: {} },
      repo1: { [CONFIG]: OURS('demo', 'repo1-cipher-pass=old-and-good'), [BACKUP_INFO.id]: info() },
    };
    const said = async (section: string): Promise<string[]> =>
      guardChanges(await viewOf(states, `${YAML}backup: {${section}}\n`), 'backup').map(({ message }) =>
        message.replaceAll(/ \([^)]*\)/gu, ''),
      );
    expect(await said('passphrase: old-and-good')).toEqual([]);
    expect(await said('passphrase: new-and-bad')).toEqual([
      'pg1 and pg2: backup.passphrase is another one, but there are backups that are encrypted with the old one',
    ]);
    const wrong = [
      { repository: 1, status: 'failed' as const, message: 'key/value found outside of section', encrypted: true, systemIdentifiers: [] },
    ];
    const mends = { ...states, repo1: { ...states.repo1, [BACKUP_INFO.id]: info({ repositories: wrong }) } };
    expect(guardChanges(await viewOf(mends, `${YAML}backup: {passphrase: put-back}\n`), 'backup')).toEqual([]);
    const members = { pg1: { ...states.pg1, [CONFIG]: OURS('demo') }, pg2: { ...states.pg2, [CONFIG]: OURS('demo') } };
    expect(guardChanges(await viewOf(members, `${YAML}backup: {stanza: main}\n`), 'backup').map(({ message }) => message)).toEqual([
      expect.stringMatching(/^pg1 and pg2: backup\.stanza is main \(.*\), but \/etc\/pgbackrest\.conf has the stanza demo$/u),
    ]);
  });

  it('are versions of pgBackRest that differ', async () => {
    const versions = async (repo1: string): Promise<string[]> =>
      guardVersions(
        await viewOf({
          pg1: { 'packages:postgresql': { pgbackrest: '2.55.1-1.pgdg13+1' } },
          repo1: { 'packages:backup-repository': { pgbackrest: repo1 } },
        }),
      ).map(({ message }) => message);
    expect(await versions('2.55.1-1')).toEqual([]);
    expect(await versions('2.45-1')).toEqual([
      'pgBackRest is 2.55.1 on pg1 and 2.45 on repo1: hosts with different versions refuse each other, and no WAL would be archived',
    ]);
  });
});

describe('what is told of backups', () => {
  async function lines(states: States, host: string, yaml = YAML): Promise<string[]> {
    const view = await viewOf(states, yaml);
    return backupLines(view, view.inventory.hosts.find(({ name }) => name === host) ?? ({} as never)).map(({ level = 'ok', text: line }) =>
      `${level}: ${line}`.replaceAll(view.inventory.file, 'i.yml'),
    );
  }

  it('is the age of the last good backup, where backups are taken', async () => {
    const aged = (backups: BackupInfo['backups']): Promise<string[]> => lines({ repo1: { [BACKUP_INFO.id]: info({ backups }) } }, 'repo1');
    expect(await aged([backup(1_000_000 - 7200), backup(999_999, true)])).toEqual([
      'ok: last backup 2 hours ago (full, 992800F), 2 in all',
    ]);
    expect(await aged([backup(1_000_000 - 40 * 3600)])).toEqual([
      'warning: last backup 40 hours ago (full, 856000F), 1 in all: older than backup.max_age, 36 hours; the journal of pgprov-backup@*.service says why',
    ]);
    expect(await aged([])).toEqual(['warning: there is no backup yet; `pgprov backup i.yml` takes one']);
  });

  it('is what pgBackRest says of a repository that it cannot read', async () => {
    const repositories = [{ repository: 1, status: 'failed' as const, message: 'CryptoError', encrypted: true, systemIdentifiers: [] }];
    const states = { repo1: { [BACKUP_INFO.id]: info({ repositories }) } };
    expect(await lines(states, 'repo1')).toEqual([
      expect.stringMatching(/^problem: pgBackRest cannot read its repository: CryptoError; the passphrase is not the one/u),
    ]);
    const view = await viewOf(states);
    expect(backupChecks(view, view.inventory.hosts)).toEqual([
      expect.objectContaining({ title: 'pgBackRest reads its repositories', ok: false, detail: 'CryptoError', host: 'repo1' }),
    ]);
  });

  it('is the last failure of a unit, with what to do, until a later backup is there', async () => {
    const run = {
      unit: 'pgprov-backup@full',
      state: 'failed',
      began: 999_000,
      result: 'exit-code',
      error: '[041]: unable to write to file: [28] No space left on device',
    };
    const states = { repo1: { [BACKUP_INFO.id]: info({ backups: [backup(998_000)] }), [BACKUP_RUNS.id]: [run] } };
    expect((await lines(states, 'repo1')).at(-1)).toMatch(
      /^problem: pgprov-backup@full failed: \[041\]: unable to write to file: \[28\] No space left on device; make room/u,
    );
    const later = { repo1: { ...states.repo1, [BACKUP_INFO.id]: info({ backups: [backup(999_500)] }) } };
    expect((await lines(later, 'repo1')).join()).not.toContain('failed');
    const smaller = { repo1: { ...states.repo1, [BACKUP_INFO.id]: info({ backups: [{ ...backup(999_500), type: 'diff' }] }) } };
    expect((await lines(smaller, 'repo1')).join()).toContain('pgprov-backup@full failed');
    const message = '[PathOpenError] unable to list';
    const repositories = [{ repository: 1, status: 'failed', message, encrypted: true, systemIdentifiers: [] }] as const;
    const unread = { repo1: { ...states.repo1, [BACKUP_INFO.id]: info({ repositories }) } };
    expect(await lines(unread, 'repo1')).toEqual([expect.stringContaining(message)]);
  });

  it('is told by the member that leads where every member takes backups', async () => {
    const yaml = `${YAML.replace(/ {2}repo1.*\n/u, '')}backup: {repositories: {far: {directory: /mnt/backups}}}\n`;
    const states = {
      pg1: { [BACKUP_INFO.id]: info(), [ARCHIVING.id]: archives({ standby: true }) },
      pg2: { [BACKUP_INFO.id]: info(), [ARCHIVING.id]: archives() },
    };
    expect(await lines(states, 'pg1', yaml)).toEqual([]);
    expect(await lines(states, 'pg2', yaml)).toEqual([
      'ok: WAL is archived, last 10 seconds ago',
      'warning: there is no backup yet; `pgprov backup i.yml` takes one',
    ]);
  });

  it('is archiving that fails, with the time until the disk is full, or that waits for a restart', async () => {
    const of = (changes: Partial<Archiving>): Promise<string[]> => lines({ pg1: { [ARCHIVING.id]: archives(changes) } }, 'pg1');
    const failing = { archivedAgo: 600, failedAgo: 5, failedWal: '000000010000000000000007', waiting: 10, free: 100 * 2 ** 24 };
    const first =
      'problem: WAL cannot be archived for 10 minutes: 000000010000000000000007 failed; 160 MiB of WAL wait, and at this speed the disk is full in 100 minutes; ';
    expect(await of(failing)).toEqual([`${first}\`pgprov logs i.yml --unit patroni,postgresql\` says why`]);
    const server = 'archive command failed with exit code 87';
    expect(await of({ ...failing, said: { server } })).toEqual([`${first}PostgreSQL’s log says: ${server}`]);
    expect(await of({ ...failing, said: { server, cause: 'ERROR: [041]: unable to write: [28] No space left on device' } })).toEqual([
      expect.stringMatching(
        /PostgreSQL’s log says: archive command failed with exit code 87; ERROR: \[041\]: unable to write: \[28\] No space left on device\. Make room/u,
      ),
    ]);
    expect(await of({ on: false })).toEqual([
      expect.stringMatching(/^warning: WAL is not archived: archive_mode takes a restart of PostgreSQL; `pgprov restart/u),
    ]);
    expect(await of({ ...failing, standby: true })).toEqual([]);
  });

  it('is WAL that waits for longer than it should, although nothing has failed', async () => {
    const of = (changes: Partial<Archiving>, yaml = YAML): Promise<string[]> =>
      lines({ pg1: { [ARCHIVING.id]: archives(changes) } }, 'pg1', yaml);
    const waits = { waiting: 3, waitingFor: 900 };
    expect(await of(waits)).toEqual(['ok: WAL is archived, last 10 seconds ago; 48 MiB wait, the oldest for 15 minutes']);
    expect(await of({ ...waits, waitingFor: 901 })).toEqual([
      'warning: WAL waits to be archived for longer than backup.max_archive_lag, 15 minutes; 48 MiB wait, the oldest for 15 minutes; `pgprov logs i.yml --unit patroni,postgresql` shows what archive_command says',
    ]);
    expect(await of({ ...waits, waitingFor: 901 }, `${YAML}backup: {max_archive_lag: 20}\n`)).toEqual([expect.stringMatching(/^ok: /u)]);
  });

  it('does not claim that WAL arrives while archive_mode waits for a restart', async () => {
    const of = (proof: string): Promise<View> => viewOf({ repo1: { [BACKUP_INFO.id]: info(), [BACKUP_CHECK.id]: { proof } } });
    const proved = await of('proved');
    expect(backupChecks(proved, proved.inventory.hosts).map(({ title, ok }) => [title, ok])).toEqual([
      ['WAL arrives in the repositories', true],
    ]);
    const { file } = proved.inventory;
    expect(backupRemarks(proved, 'repo1')).toEqual([`there is no backup yet; \`pgprov backup ${file}\` takes one`]);
    const has = await viewOf({ repo1: { [BACKUP_INFO.id]: info({ backups: [backup(1)] }) } });
    expect(backupRemarks(has, 'repo1')).toEqual([]);
    const waits = await of('waits');
    expect(backupChecks(waits, waits.inventory.hosts)).toEqual([]);
    expect(backupRemarks(waits, 'repo1')).toEqual([expect.stringContaining('is not proved: archive_mode takes a restart of PostgreSQL')]);
  });
});
