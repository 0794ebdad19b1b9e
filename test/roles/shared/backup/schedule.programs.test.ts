import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
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
      paths: ['/var/log/pgbackrest'],
      programs: { pgbackrest: ':', sleep: ':', ...programs },
    });
    const { text } = made.script(backupProgram(contextOf(await inventoryOf(yaml), host)));
    const { status } = spawnSync('sh', ['-c', text, 'pgprov-backup', 'diff'], {
      encoding: 'utf8',
      env: { ...process.env, ...environment },
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

  it('takes a missed one when a leader is there, which comes up after the timers', async () => {
    const later = `[ "$call" -gt 6 ] || { ${OFF}\n}\n${LEADS}`;
    expect(await ran(WITH_DIRECTORY, 'pg1', { curl: later })).toEqual([0, ['expire repo1', 'backup repo1']]);
  });
});
