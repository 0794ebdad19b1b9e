import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { backupProgram } from '../../../../roles/shared/backup/schedule.js';
import { freshDirectory } from '../../../support/directory.js';
import { contextOf, inventoryOf } from '../../../support/inventory.js';
import { MadeUpHost } from '../../../support/made-up-host.js';

const MEMBERS = `cluster: demo
roles: [base, pgdg, postgresql, replication, etcd, patroni, backup]
hosts:
  pg1: 192.0.2.1
  pg2: 192.0.2.2
`;
const WITH_DIRECTORY = `${MEMBERS}backup: {repositories: {nfs: {directory: /mnt/backups}}}\n`;
const WITH_HOST = `${MEMBERS}  repo1: {address: 192.0.2.9, roles: [base, pgdg, backup-repository]}\n`;

const STREAMING = `cluster: demo
roles: [base, pgdg, postgresql, replication, backup]
hosts:
  pg1: 192.0.2.1
  pg2: 192.0.2.2
backup: {repositories: {nfs: {directory: /mnt/backups}}}
`;
const BIN = '/usr/lib/postgresql/17/bin';

const LEADS = 'case "$*" in *http_code*) printf 200 ;; esac';
const FOLLOWS = `case "$*" in *http_code*) printf 503 ;; *) echo '{"members": [{"name": "pg1", "role": "leader"}, {"name": "pg2", "role": "replica"}]}' ;; esac`;
const NOBODY = `case "$*" in *http_code*) printf 503 ;; *) echo '{"members": [{"name": "leader", "role": "replica"}]}' ;; esac`;
const OFF = `case "$*" in *http_code*) printf 000; exit 7 ;; *) exit 7 ;; esac`;

describe('what the timers run', () => {
  const work = freshDirectory();
  beforeEach(() => rmSync(work.at('calls'), { force: true }));

  /** The exit code, and how pgBackRest was called. */
  const ran = async (
    yaml: string,
    host: string,
    programs: Record<string, string>,
    environment: Record<string, string> = {},
  ): Promise<[code: number | null, calls: string[]]> => {
    const made = new MadeUpHost({
      root: work.path,
      paths: ['/var/log/pgbackrest', BIN],
      programs: { pgbackrest: ':', sleep: ':', ...programs },
    });
    made.write(`${BIN}/psql`, '#!/bin/sh\nexec psql "$@"\n');
    chmodSync(made.at(`${BIN}/psql`), 0o755);
    const { text } = made.script(backupProgram(contextOf(await inventoryOf(yaml), host)));
    const { status } = spawnSync('sh', ['-c', text, 'pgprov-backup', 'diff'], {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${work.at('bin')}:${process.env['PATH']}`, ...environment },
    });
    const calls = made.calls('pgbackrest').filter((call) => !call.includes(' help '));
    return [status, calls.map((call) => call.replace(/^.*--stanza=demo --repo=(\d+).* (\w+)$/u, '$2 repo$1'))];
  };

  it('expires before the backup, so that a full repository has room when fewer are kept, and takes it whatever comes of that', async () => {
    expect(await ran(WITH_HOST, 'repo1', {})).toEqual([0, ['expire repo1', 'backup repo1']]);
    const full = 'case "$*" in *expire) exit 41 ;; esac';
    expect((await ran(WITH_HOST, 'repo1', { pgbackrest: full }))[0]).toBe(0);
    expect((await ran(WITH_HOST, 'repo1', { pgbackrest: 'case "$*" in *backup) exit 41 ;; esac' }))[0]).toBe(41);
  });

  it('expires nothing before the backup of a restore, which keeps all', async () => {
    expect(await ran(WITH_HOST, 'repo1', {}, { PGBACKREST_EXPIRE_AUTO: 'n' })).toEqual([0, ['backup repo1']]);
  });

  it('takes it on the member that leads alone', async () => {
    expect(await ran(WITH_DIRECTORY, 'pg1', { curl: LEADS })).toEqual([0, ['expire repo1', 'backup repo1']]);
  });

  it.each<[string, string, number]>([
    ['on a member that follows', FOLLOWS, 0],
    ['on a member whose Patroni does not answer', OFF, 0],
    ['where nobody leads for half an hour, which is a failure', NOBODY, 1],
  ])('takes none %s', async (_where, curl, code) => {
    expect(await ran(WITH_DIRECTORY, 'pg2', { curl })).toEqual([code, []]);
  });

  it.each<[string, string, string[]]>([
    ['takes it on the primary of servers without Patroni', 'echo f', ['expire repo1', 'backup repo1']],
    ['takes none on a standby', 'echo t', []],
    ['takes none where PostgreSQL does not come up', 'exit 2', []],
    ['takes a missed one when the primary is up again', '[ "$call" -gt 6 ] || exit 2; echo f', ['expire repo1', 'backup repo1']],
  ])('%s', async (_title, psql, calls) => {
    expect(await ran(STREAMING, 'pg1', { psql })).toEqual([0, calls]);
  });

  it('takes a missed one when a leader is there, which comes up after the timers', async () => {
    const later = `[ "$call" -gt 6 ] || { ${OFF}\n}\n${LEADS}`;
    expect(await ran(WITH_DIRECTORY, 'pg1', { curl: later })).toEqual([0, ['expire repo1', 'backup repo1']]);
  });
});
